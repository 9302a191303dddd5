/** What is used of AWS's SDK for credentials: this alone is in the package (scripts/bundle.mjs). */
export {
  fromHttp,
  fromInstanceMetadata,
  fromLoginCredentials,
  fromSSO,
  fromTemporaryCredentials,
  fromWebToken,
} from "@aws-sdk/credential-providers";
