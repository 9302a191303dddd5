// Decrypts the file that is named with the library that Flux, terraform-provider-sops and others use.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/getsops/sops/v3/decrypt"
)

func main() {
	format := strings.TrimPrefix(filepath.Ext(os.Args[1]), ".")
	if format == "env" {
		format = "dotenv"
	}
	plain, err := decrypt.File(os.Args[1], format)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Stdout.Write(plain)
}
