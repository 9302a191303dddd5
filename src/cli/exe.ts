/*
 * The executable's entry (scripts/exe.mjs). What decrypting a YAML file needs is imported here, so that it is loaded in one
 * piece: each file of a bundle that is loaded by itself takes time.
 */
import "./exe-argv.ts";
import "./commands/decrypt/run.ts";
import "../formats/yaml/index.ts";
import "./main.ts";
