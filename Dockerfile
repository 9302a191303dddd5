# The executable in an image with nothing else but glibc, CA certificates and a user without rights. There is no shell.
# scripts/release.mjs makes the executable; docs/releasing.md says how to build this by hand.
#
# The executable asks for glibc, so `scratch` would not do; that for musl asks for libstdc++ besides.
FROM gcr.io/distroless/base-nossl-debian12:nonroot@sha256:be40c00dfabd86576d92666e87e406714d5618342de1a0c213ad232de255172e

LABEL org.opencontainers.image.title="tsops" \
      org.opencontainers.image.description="Keeps secrets in git: a SOPS-compatible tool and library that leaves the rest of a file as it was" \
      org.opencontainers.image.licenses="MIT"

# what an archive of a release unpacks to: tsops-X.Y.Z-linux-x64 or tsops-X.Y.Z-linux-arm64
ARG FOLDER
COPY ${FOLDER}/tsops /usr/bin/tsops
COPY ${FOLDER}/LICENSE ${FOLDER}/LICENSES.txt /usr/share/doc/tsops/

USER 65532:65532
WORKDIR /work
ENTRYPOINT ["/usr/bin/tsops"]
