# The proxy as an image of its own: Node.js, the C libraries that it loads, CA certificates and the bundled program, and nothing else.
# Builds with BuildKit and with the classic builder.
ARG NODE_IMAGE=node:26-bookworm-slim

FROM ${NODE_IMAGE} AS build

# What the slim image lacks; where a base image of one's own has both, nothing is fetched.
RUN command -v strip >/dev/null && test -s /etc/ssl/certs/ca-certificates.crt \
 || { apt-get -o Acquire::Retries=3 update \
   && apt-get -o Acquire::Retries=3 install -y --no-install-recommends binutils ca-certificates \
   && rm -rf /var/lib/apt/lists/*; }

# The file system of the final image, below /image: Node's debug symbols are a fifth of it and help nobody at run time.
RUN mkdir -p /image/usr/local/bin /image/etc/ssl/certs /image/app /state \
 && chmod 700 /state \
 && node="$(readlink -f "$(command -v node)")" \
 && strip -o /image/usr/local/bin/node "$node" \
 && { ! ldd "$node" | grep 'not found'; } \
 && ldd "$node" | grep -o '/[^ ]*' | sort -u | xargs -I '{}' cp -L --parents '{}' /image \
 && cp -L /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ \
 && echo 'nonroot:x:65532:65532:nonroot:/var/lib/cloudaware-proxy:/sbin/nologin' > /image/etc/passwd \
 && echo 'nonroot:x:65532:' > /image/etc/group \
 && echo 'hosts: files dns' > /image/etc/nsswitch.conf \
 && ln -s /app/main.mjs /image/usr/local/bin/cloudaware-proxy

WORKDIR /src
COPY package.json package-lock.json ./
# No library's install script is needed to bundle, so none runs.
RUN npm ci --ignore-scripts --no-audit --no-fund --fetch-retries 5
COPY LICENSE ./
COPY scripts scripts
COPY src src
# There is no /usr/bin/env in the image; the kernel starts a script's interpreter without a shell, with one argument at most.
# A small young generation costs a little speed and saves 10 MiB; not by NODE_OPTIONS, which is whoever's who runs the container.
RUN node scripts/build.ts \
 && sed -i '1s|.*|#!/usr/local/bin/node --max-semi-space-size=1|' dist/main.mjs \
 && chmod 755 dist/main.mjs \
 && cp -r dist/* LICENSE /image/app/

FROM scratch

ARG NODE_IMAGE
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="cloudaware-proxy" \
      org.opencontainers.image.description="Forwards unauthenticated HTTP requests to the Cloudaware CMDB API with a bearer token it keeps fresh" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="${NODE_IMAGE}"

COPY --from=build /image /
COPY --from=build --chown=65532:65532 /state /var/lib/cloudaware-proxy

# Few arenas of malloc keep what is freed from being scattered over all of them.
# STATE_DIRECTORY is where the https listener keeps the certificate that it made; mount a volume there with PROXY_TLS_PORT.
ENV PATH=/usr/local/bin \
    NODE_ENV=production \
    MALLOC_ARENA_MAX=2 \
    STATE_DIRECTORY=/var/lib/cloudaware-proxy
USER 65532:65532
WORKDIR /var/lib/cloudaware-proxy
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s --retries=3 CMD ["cloudaware-proxy", "wait", "--max", "2s"]
ENTRYPOINT ["cloudaware-proxy"]
CMD ["serve"]
