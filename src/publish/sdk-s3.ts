/** What is used of AWS's SDK for S3: this alone is in the package (scripts/bundle.mjs). */
export { GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
