import type { ServerUnaryCall, ServerWritableStream, sendUnaryData } from "@grpc/grpc-js";
import { STATUS } from "../keys/service/failures.ts";
import { HEALTH, SERVICE } from "../keys/service/protocol.ts";

interface HealthRequest {
  readonly service: string;
}
interface HealthResponse {
  readonly status: "SERVING" | "NOT_SERVING" | "SERVICE_UNKNOWN";
}

/**
 * The health check that gRPC has a standard for (grpc.health.v1): of the server as a whole, by the empty name, and of its
 * services. It says whether requests are taken, not whether any key works.
 */
export class Health {
  private serving = true;
  private readonly watchers = new Set<ServerWritableStream<HealthRequest, HealthResponse>>();

  readonly handlers = {
    Check: (
      { request }: ServerUnaryCall<HealthRequest, HealthResponse>,
      done: sendUnaryData<HealthResponse>,
    ): void => {
      if (isKnown(request)) done(null, this.status());
      else done({ code: STATUS.notFound, details: "there is no such service" });
    },
    Watch: (stream: ServerWritableStream<HealthRequest, HealthResponse>): void => {
      if (!isKnown(stream.request)) {
        // the standard wants the stream to stay open: such a service might come
        stream.write({ status: "SERVICE_UNKNOWN" });
      } else stream.write(this.status());
      this.watchers.add(stream);
      stream.on("cancelled", () => this.watchers.delete(stream));
    },
  };

  /** Tells watchers that the server goes, and lets go of them. */
  stop(): void {
    this.serving = false;
    for (const stream of this.watchers) {
      if (isKnown(stream.request)) stream.write(this.status());
      stream.end();
    }
    this.watchers.clear();
  }

  private status(): HealthResponse {
    return { status: this.serving ? "SERVING" : "NOT_SERVING" };
  }
}

function isKnown({ service }: HealthRequest): boolean {
  return ["", SERVICE, HEALTH].includes(service);
}
