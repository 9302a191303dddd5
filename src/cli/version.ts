import { SOPS_VERSION } from "../sops/metadata.ts";

/** tsops's own release; a test holds it against package.json. */
export const VERSION = "0.1.0";

/**
 * Programs that call SOPS read the first line and go by that version: it says whose behaviour this is. The second line
 * is tsops's own.
 */
export const VERSION_TEXT = `sops ${SOPS_VERSION}\ntsops ${VERSION}, which behaves as that version of SOPS`;
