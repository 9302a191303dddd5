/** What is used of Google's library for credentials: this alone is in the package (scripts/bundle.mjs). */
export {
  AwsClient,
  ExternalAccountAuthorizedUserClient,
  GoogleAuth,
  gaxios,
  IdentityPoolClient,
  Impersonated,
  JWT,
  OAuth2Client,
  UserRefreshClient,
} from "google-auth-library";
