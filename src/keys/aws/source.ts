/** What AWS's SDK signs requests with. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  /** They are no good from then on. */
  readonly expiration?: Date;
}

/** Gives credentials, fresh ones where those that it gave have expired: what a client takes as `credentials`. */
export type CredentialProvider = () => Promise<AwsCredentials>;

/** Credentials that are to be had here, as far as that can be known without asking anybody. */
export interface CredentialSource {
  /** For reports: where they were found. */
  readonly where: string;
  /** What a person does when they have expired or are not good, as an imperative. */
  readonly renew: string;
  /** @throws TsopsError with the cause in a sentence and a hint. */
  readonly provider: CredentialProvider;
}
