/** What is used of gRPC: this alone is in the package (scripts/bundle.mjs). */
export {
  Client,
  connectivityState,
  credentials,
  logVerbosity,
  Metadata,
  Server,
  ServerCredentials,
  setLogVerbosity,
  status,
} from "@grpc/grpc-js";
export { fromJSON } from "@grpc/proto-loader";
