# One static program on nothing at all. Time zones and root certificates are compiled in.
#
#   cargo xtask images                    builds the programs, and these images without Docker
#   docker build --target chaos-monkey .  the same image from the same program; so does buildah
#
# The programs come from outside, so that no base image has to be trusted or pulled.
ARG PROGRAMS=target/x86_64-unknown-linux-gnu/release

FROM scratch AS demo-services
ARG PROGRAMS
COPY --chmod=755 ${PROGRAMS}/demo-services /usr/local/bin/demo-services
ENV PATH=/usr/local/bin
USER 65534:65534
ENTRYPOINT ["/usr/local/bin/demo-services"]

FROM scratch AS chaos-monkey
ARG PROGRAMS
COPY --chmod=755 ${PROGRAMS}/chaos-monkey /usr/local/bin/chaos-monkey
ENV PATH=/usr/local/bin
USER 65534:65534
ENTRYPOINT ["/usr/local/bin/chaos-monkey"]
