/**
 * Tokens and keys that can be told by their form, as their vendors document it. Each has a piece of text that is searched for
 * first; only where it stands, the expression is tried (RE2, compiled when it is first needed).
 */
export interface Vendor {
  /** Stays: baselines hold it. */
  readonly id: string;
  /** In messages, with its article. */
  readonly name: string;
  readonly keywords: readonly string[];
  /** RE2, from the start of the token to its end. */
  readonly pattern: string;
  /** How many characters of the token may stand before the keyword. */
  readonly before?: number;
}

const HEX32 = "[0-9a-f]{32}";
const UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";

function vendor(id: string, name: string, keyword: string, rest: string): Vendor {
  const escaped = keyword.replace(/[.$?*+()[\]{}|\\^]/g, "\\$&");
  return { id, name, keywords: [keyword], pattern: `${escaped}${rest}` };
}

/** Tokens whose start is one of several words, with the same rest. */
function anyOf(id: string, name: string, keywords: readonly string[], rest: string): Vendor {
  const starts = keywords.map((keyword) => keyword.replace(/[.$]/g, "\\$&"));
  return { id, name, keywords, pattern: `(?:${starts.join("|")})${rest}` };
}

export const VENDORS: readonly Vendor[] = [
  // clouds
  anyOf("aws-access-key", "an AWS access key", ["AKIA", "ASIA", "ABIA", "ACCA"], "[A-Z2-7]{16}"),
  anyOf(
    "aws-secret-key",
    "an AWS secret access key",
    ["aws_secret_access_key", "AWS_SECRET_ACCESS_KEY", "secretAccessKey", "SecretAccessKey"],
    "[\"' ]{0,3}[:=]>?[\"' ]{0,3}[A-Za-z0-9/+]{40}",
  ),
  vendor("aws-bedrock-key", "an Amazon Bedrock API key", "ABSK", "[A-Za-z0-9+/]{109,269}={0,2}"),
  vendor("aws-mws-token", "an Amazon MWS token", "amzn.mws.", UUID),
  vendor("google-api-key", "a Google API key", "AIza", "[A-Za-z0-9_-]{35}"),
  vendor("google-oauth-secret", "a Google OAuth client secret", "GOCSPX-", "[A-Za-z0-9_-]{28}"),
  vendor("google-access-token", "a Google access token", "ya29.", "[A-Za-z0-9_-]{30,500}"),
  vendor("azure-storage-key", "an Azure storage key", "AccountKey=", "[A-Za-z0-9+/]{86}=="),
  vendor("azure-shared-access-key", "an Azure shared access key", "SharedAccessKey=", "[A-Za-z0-9+/]{43}="),
  {
    id: "azure-client-secret",
    name: "a client secret of Microsoft Entra ID",
    keywords: ["7Q~", "8Q~"],
    before: 3,
    pattern: "[A-Za-z0-9_~.]{3}[78]Q~[A-Za-z0-9_~.-]{31,34}",
  },
  {
    id: "azure-devops-token",
    name: "an Azure DevOps token",
    keywords: ["AZDO"],
    before: 76,
    pattern: "[A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4}",
  },
  vendor("alibaba-access-key", "an Alibaba Cloud access key", "LTAI", "[A-Za-z0-9]{17,21}"),
  vendor("tencent-secret-id", "a Tencent Cloud secret ID", "AKID", "[A-Za-z0-9]{32}"),
  vendor("yandex-api-key", "a Yandex Cloud API key", "AQVN", "[A-Za-z0-9_-]{35,38}"),
  anyOf("digitalocean-token", "a DigitalOcean token", ["dop_v1_", "doo_v1_", "dor_v1_"], "[0-9a-f]{64}"),
  vendor("cloudflare-origin-key", "a Cloudflare origin CA key", "v1.0-", "[0-9a-f]{24}-[0-9a-f]{146}"),
  vendor("heroku-api-key", "a Heroku API key", "HRKU-AA", "[A-Za-z0-9_-]{58}"),
  vendor("fly-token", "a Fly.io token", "fm2_", "[A-Za-z0-9+/=]{100,500}"),
  vendor("netlify-token", "a Netlify token", "nfp_", "[A-Za-z0-9]{36}"),
  vendor("supabase-token", "a Supabase token", "sbp_", "[0-9a-f]{40}"),
  vendor("supabase-secret-key", "a Supabase secret key", "sb_secret_", "[A-Za-z0-9_-]{31}"),
  anyOf(
    "planetscale-secret",
    "a PlanetScale token or password",
    ["pscale_tkn_", "pscale_pw_", "pscale_oauth_"],
    "[A-Za-z0-9=_.-]{32,64}",
  ),
  // code, packages, builds
  anyOf("github-token", "a GitHub token", ["ghp_", "gho_", "ghu_", "ghs_", "ghr_"], "[A-Za-z0-9]{36,251}"),
  vendor("github-fine-grained-token", "a GitHub token", "github_pat_", "[A-Za-z0-9]{22}_[A-Za-z0-9]{59}"),
  anyOf(
    "gitlab-token",
    "a GitLab token",
    ["glpat-", "glrt-", "gldt-", "glcbt-", "glsoat-", "glft-", "glimt-", "glagent-", "gloas-"],
    "[A-Za-z0-9_.=-]{20,300}",
  ),
  vendor("gitlab-trigger-token", "a GitLab trigger token", "glptt-", "[0-9a-f]{40}"),
  vendor("gitlab-runner-token", "a GitLab runner token", "GR1348941", "[A-Za-z0-9_-]{20}"),
  vendor("npm-token", "an npm token", "npm_", "[A-Za-z0-9]{36}"),
  vendor("pypi-token", "a PyPI token", "pypi-AgEI", "[A-Za-z0-9_-]{50,1000}"),
  vendor("rubygems-key", "a RubyGems API key", "rubygems_", "[0-9a-f]{48}"),
  vendor("crates-token", "a crates.io token", "cio", "[A-Za-z0-9]{32}"),
  vendor("nuget-key", "a NuGet API key", "oy2", "[a-z0-9]{43}"),
  vendor("clojars-token", "a Clojars token", "CLOJARS_", "[a-z0-9]{60}"),
  anyOf("docker-token", "a Docker Hub token", ["dckr_pat_", "dckr_oat_"], "[A-Za-z0-9_-]{27,32}"),
  anyOf("atlassian-token", "an Atlassian token", ["ATATT3xFfGF0", "ATCTT3xFfGF0"], "[A-Za-z0-9_=-]{170,250}"),
  vendor("bitbucket-app-password", "a Bitbucket app password", "ATBB", "[A-Za-z0-9]{32}"),
  vendor("circleci-token", "a CircleCI token", "CCIPAT_", "[A-Za-z0-9]{22}_[0-9a-f]{40}"),
  vendor("buildkite-token", "a Buildkite token", "bkua_", "[0-9a-f]{40}"),
  anyOf("sonarqube-token", "a SonarQube token", ["sqp_", "squ_", "sqa_"], "[0-9a-f]{40}"),
  vendor("artifactory-key", "an Artifactory API key", "AKCp", "[A-Za-z0-9]{69}"),
  vendor("postman-key", "a Postman API key", "PMAK-", "[0-9a-f]{24}-[0-9a-f]{34}"),
  vendor("figma-token", "a Figma token", "figd_", "[A-Za-z0-9_-]{40,60}"),
  // infrastructure
  anyOf("vault-token", "a Vault token", ["hvs.", "hvb.", "hvr."], "[A-Za-z0-9_-]{24,300}"),
  {
    id: "terraform-token",
    name: "an HCP Terraform token",
    keywords: [".atlasv1."],
    before: 14,
    pattern: "[A-Za-z0-9]{14}\\.atlasv1\\.[A-Za-z0-9_=-]{60,70}",
  },
  vendor("pulumi-token", "a Pulumi token", "pul-", "[0-9a-f]{40}"),
  anyOf(
    "doppler-token",
    "a Doppler token",
    ["dp.pt.", "dp.st.", "dp.ct.", "dp.sa.", "dp.scim.", "dp.audit."],
    "[A-Za-z0-9_.-]{40,60}",
  ),
  vendor("onepassword-token", "a 1Password service account token", "ops_eyJ", "[A-Za-z0-9+/_-]{200,}={0,2}"),
  anyOf(
    "tailscale-key",
    "a Tailscale key",
    ["tskey-auth-", "tskey-api-", "tskey-client-", "tskey-scim-", "tskey-webhook-"],
    "[A-Za-z0-9]{8,32}-[A-Za-z0-9]{16,64}",
  ),
  vendor("databricks-token", "a Databricks token", "dapi", HEX32),
  vendor("grafana-token", "a Grafana service account token", "glsa_", "[A-Za-z0-9]{32}_[0-9a-f]{8}"),
  vendor("grafana-cloud-token", "a Grafana Cloud token", "glc_", "[A-Za-z0-9+/]{32,400}={0,2}"),
  vendor("newrelic-key", "a New Relic key", "NRAK-", "[A-Z0-9]{27}"),
  vendor("dynatrace-token", "a Dynatrace token", "dt0c01.", "[A-Z0-9]{24}\\.[A-Z0-9]{64}"),
  vendor("sentry-user-token", "a Sentry token", "sntryu_", "[0-9a-f]{64}"),
  vendor("sentry-org-token", "a Sentry token", "sntrys_eyJ", "[A-Za-z0-9+/=_-]{80,500}"),
  anyOf("age-secret-key", "an age secret key", ["AGE-SECRET-KEY-1"], "[0-9A-Z]{58}"),
  vendor("age-hybrid-secret-key", "an age secret key", "AGE-SECRET-KEY-PQ-1", "[0-9A-Z]{50,100}"),
  // messages
  anyOf(
    "slack-token",
    "a Slack token",
    ["xoxb-", "xoxa-", "xoxp-", "xoxr-", "xoxs-", "xoxe-", "xoxe.xoxp-", "xoxe.xoxb-"],
    "[A-Za-z0-9-]{20,250}",
  ),
  vendor("slack-app-token", "a Slack app token", "xapp-", "[0-9]-[A-Z0-9]{8,14}-[0-9]{8,16}-[0-9a-f]{32,80}"),
  vendor(
    "slack-webhook",
    "the address of a Slack webhook",
    "hooks.slack.com/services/",
    "T[A-Z0-9]{6,12}/B[A-Z0-9]{6,12}/[A-Za-z0-9]{20,30}",
  ),
  anyOf(
    "discord-webhook",
    "the address of a Discord webhook",
    ["discord.com/api/webhooks/", "discordapp.com/api/webhooks/"],
    "[0-9]{17,20}/[A-Za-z0-9_-]{60,72}",
  ),
  {
    id: "telegram-bot-token",
    name: "a Telegram bot token",
    keywords: [":AA"],
    before: 10,
    pattern: "[0-9]{8,10}:AA[A-Za-z0-9_-]{33}",
  },
  vendor("twilio-key", "a Twilio API key", "SK", HEX32),
  vendor("sendgrid-key", "a SendGrid API key", "SG.", "[A-Za-z0-9_-]{22}\\.[A-Za-z0-9_-]{43}"),
  vendor("mailgun-key", "a Mailgun API key", "key-", HEX32),
  {
    id: "mailchimp-key",
    name: "a Mailchimp API key",
    keywords: ["-us"],
    before: 32,
    pattern: `${HEX32}-us[0-9]{1,2}`,
  },
  vendor("brevo-key", "a Brevo API key", "xkeysib-", "[0-9a-f]{64}-[A-Za-z0-9]{16}"),
  // money and shops
  anyOf(
    "stripe-key",
    "a Stripe secret key",
    ["sk_live_", "rk_live_", "sk_test_", "rk_test_", "sk_prod_"],
    "[A-Za-z0-9]{16,247}",
  ),
  vendor("stripe-webhook-secret", "a Stripe webhook secret", "whsec_", "[A-Za-z0-9+/]{32,64}={0,2}"),
  anyOf("shopify-token", "a Shopify token", ["shpat_", "shpss_", "shpca_", "shppa_"], "[0-9a-fA-F]{32}"),
  anyOf("square-secret", "a Square secret", ["sq0csp-", "sq0atp-"], "[A-Za-z0-9_-]{22,43}"),
  vendor(
    "braintree-token",
    "a Braintree access token",
    "access_token$production$",
    "[0-9a-z]{16}\\$[0-9a-f]{32}",
  ),
  anyOf("plaid-token", "a Plaid access token", ["access-sandbox-", "access-production-"], UUID),
  vendor("razorpay-key", "a Razorpay key", "rzp_live_", "[A-Za-z0-9]{14}"),
  vendor("easypost-key", "an EasyPost API key", "EZAK", "[A-Za-z0-9]{54}"),
  // models
  anyOf("openai-key", "an OpenAI API key", ["sk-proj-", "sk-svcacct-", "sk-admin-"], "[A-Za-z0-9_-]{40,200}"),
  vendor("anthropic-key", "an Anthropic API key", "sk-ant-", "[a-z]{3,6}[0-9]{2}-[A-Za-z0-9_-]{80,120}"),
  vendor("huggingface-token", "a Hugging Face token", "hf_", "[A-Za-z]{34}"),
  vendor("replicate-token", "a Replicate token", "r8_", "[A-Za-z0-9]{37}"),
  vendor("groq-key", "a Groq API key", "gsk_", "[A-Za-z0-9]{52}"),
  vendor("perplexity-key", "a Perplexity API key", "pplx-", "[A-Za-z0-9]{48}"),
  // work
  vendor("linear-key", "a Linear API key", "lin_api_", "[A-Za-z0-9]{40}"),
  vendor("notion-token", "a Notion token", "ntn_", "[A-Za-z0-9]{46}"),
  vendor("typeform-token", "a Typeform token", "tfp_", "[A-Za-z0-9_-]{40,59}"),
];
