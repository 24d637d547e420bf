# `make` lists what there is to do. Only Go, git and make must be there before:
# what else a target needs it installs itself (as root, with apt; Go tools at
# the versions below, under .cache).

STATICCHECK_VERSION := v0.8.2
# The last one whose modules are all on the public proxy.
NFPM_VERSION        := v2.45.2
FUZZTIME            ?= 5m
# Runs of each fuzz target within `make test`: a number, since the end of a very
# short time now and then counts as a failure (context deadline exceeded).
FUZZTEST            ?= 5000x
# Which benchmarks, as a regular expression, and how often each is repeated.
BENCH               ?= .
PAIRS               ?= 5
# Where packages go, for which machine, and who answers for them.
PACKAGES            ?= bin
ARCH                ?= $(shell $(GO) env GOARCH)
export MAINTAINER   ?= leaseroute <leaseroute@localhost>

SHELL       := bash
.SHELLFLAGS := -euo pipefail -c

# Root's PATH often lacks Go.
export GO   := $(or $(shell command -v go),$(wildcard /usr/local/go/bin/go),go)
export PATH := $(PATH):$(dir $(GO))
# The version is passed below; git refuses to tell about another user's clone.
export GOFLAGS := $(strip $(GOFLAGS) -buildvcs=false)
export LEASEROUTE_CACHE ?= $(CURDIR)/.cache

VERSION     = $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
# A tool that was built by an older Go can't read what a newer one compiles.
STATICCHECK = $(LEASEROUTE_CACHE)/bin/staticcheck-$(STATICCHECK_VERSION)-$(shell $(GO) env GOVERSION)
NFPM        = $(LEASEROUTE_CACHE)/bin/nfpm-$(NFPM_VERSION)
need        = .ci/need
compile     = CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w -X main.version=$(VERSION)'

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: go ## Build bin/leaseroute
	@$(compile) -o bin/leaseroute ./cmd/leaseroute

.PHONY: package
package: build $(NFPM) ## Build the .deb and the .rpm into bin/ (ARCH=arm64 for another machine)
	@tree=$$(mktemp -d); trap 'rm -rf "$$tree"' EXIT; \
	if [[ '$(ARCH)' = "$$($(GO) env GOARCH)" ]]; then cp bin/leaseroute "$$tree"; else \
		GOARCH=$(ARCH) $(compile) -o "$$tree/leaseroute" ./cmd/leaseroute; fi; \
	NFPM=$(NFPM) packaging/package bin/leaseroute "$$tree" '$(ARCH)' '$(VERSION)' '$(PACKAGES)'

.PHONY: demo
demo: root build ## Show a router that gets its routes back (root; SERVER=kea for a real Kea)
	@$(need) ip:iproute2
	@bin/leaseroute demo $(if $(SERVER),--server $(SERVER))

# The tests come last, so that their summary is the end of the output. Go would
# take earlier results of tests that run a binary of a changed product (-count).
.PHONY: test
test: root go lint kea peers prometheus system routers $(NFPM) ## Everything that CI checks (root): lint, some fuzzing, all tests
	@$(need) gcc:gcc+libc6-dev ip:iproute2 rpm:rpm
	@.ci/fuzz $(FUZZTEST)
	@$(GO) build -o $(LEASEROUTE_CACHE)/bin/report ./test/report
	@LEASEROUTE_REQUIRE_ROOT=1 $(GO) test -json -race -count 1 -p 1 -timeout 25m ./... | $(LEASEROUTE_CACHE)/bin/report

.PHONY: bench
bench: root build kea ## The benchmarks (root; BENCH=name for some, PAIRS=5)
	@$(need) ip:iproute2
	@$(GO) run ./test/bench -only '$(BENCH)' -pairs $(PAIRS)

.PHONY: lint
lint: go $(STATICCHECK) ## gofmt, go vet, staticcheck and shellcheck
	@$(need) shellcheck:shellcheck
	@unformatted=$$(gofmt -s -l .); if [[ -n $$unformatted ]]; then echo "not formatted by gofmt -s:" $$unformatted; exit 1; fi
	@$(GO) vet ./...
	@$(STATICCHECK) ./...
	@grep -rlE --exclude-dir={.git,.cache,bin} '^#!.*[/ ](ba|da)?sh$$' . | xargs shellcheck

.PHONY: fuzz
fuzz: go ## Every fuzz target in turn, FUZZTIME (5m) each
	@.ci/fuzz $(FUZZTIME)

.PHONY: clean
clean: ## Remove what was built and fetched
	@rm -rf bin .cache

.PHONY: go
go:
	@command -v $(GO) >/dev/null || { echo "Go is missing: see https://go.dev/doc/install" >&2; exit 1; }

.PHONY: root
root:
	@[[ $$(id -u) -eq 0 ]] || { echo "this makes network namespaces and needs root; without it: go test ./..." >&2; exit 1; }

.PHONY: kea peers prometheus system routers
kea peers prometheus system routers:
	@test/lab/$@.sh >/dev/null

$(STATICCHECK):
	@echo "building staticcheck $(STATICCHECK_VERSION)" >&2
	@GOBIN=$(@D) GOFLAGS= $(GO) install honnef.co/go/tools/cmd/staticcheck@$(STATICCHECK_VERSION)
	@mv $(@D)/staticcheck $@

$(NFPM):
	@echo "building nfpm $(NFPM_VERSION)" >&2
	@GOBIN=$(@D) GOFLAGS= $(GO) install github.com/goreleaser/nfpm/v2/cmd/nfpm@$(NFPM_VERSION)
	@mv $(@D)/nfpm $@
