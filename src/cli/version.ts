import { SOPS_VERSION } from "../sops/metadata.ts";

/** tsops's own release; a test holds it against package.json. */
export const VERSION = "0.1.0";

export const VERSION_TEXT = `tsops ${VERSION} (writes the file format of SOPS ${SOPS_VERSION})`;
