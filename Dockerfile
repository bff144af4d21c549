# PostgreSQL with order_gateway, and the order sandbox: what compose.yaml starts.
# docs/installation.md, "Compose", tells how much of it was tried.

ARG POSTGRES_MAJOR=15

FROM postgres:${POSTGRES_MAJOR}-bookworm AS build
ARG POSTGRES_MAJOR
RUN apt-get update \
	&& apt-get install --yes --no-install-recommends \
		gcc libc6-dev make pkg-config libcurl4-openssl-dev libssl-dev libcjson-dev \
		libwslay-dev \
		"postgresql-server-dev-${POSTGRES_MAJOR}"
COPY . /src
WORKDIR /src
RUN make "PG_CONFIG=/usr/lib/postgresql/${POSTGRES_MAJOR}/bin/pg_config" with_llvm=no
RUN make "PG_CONFIG=/usr/lib/postgresql/${POSTGRES_MAJOR}/bin/pg_config" with_llvm=no \
		install DESTDIR=/built

FROM postgres:${POSTGRES_MAJOR}-bookworm
RUN apt-get update \
	&& apt-get install --yes --no-install-recommends \
		ca-certificates curl libcjson1 libcurl4 libssl3 libwslay1 \
		python3 python3-aiohttp python3-cryptography \
	&& rm -rf /var/lib/apt/lists/*
COPY --from=build /built /
COPY test/sandbox /usr/share/order-gateway-sandbox
RUN ln -s /usr/share/order-gateway-sandbox/sandbox /usr/local/bin/order-sandbox \
	&& ln -s /usr/share/order-gateway-sandbox/in_compose /usr/local/bin/order-sandbox-in-compose \
	&& install -d -o postgres -g postgres /sandbox
