module reader

go 1.24

require github.com/getsops/sops/v3 v3.13.3
