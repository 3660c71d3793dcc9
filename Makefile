# The vocabulary of the project. CI calls the same targets.
GO     ?= go
TAGS   := duckdb_arrow,nomsgpack
VERSION ?= $(shell sed -n 's/^## \([0-9][0-9.]*\).*/\1/p' CHANGELOG.md | head -n 1)
COMMIT ?= $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X carereach/internal/app.Version=$(VERSION) -X carereach/internal/app.Commit=$(COMMIT)
GOTEST := $(GO) test -tags $(TAGS)
LINT   := $(shell $(GO) env GOPATH)/bin/golangci-lint
LINT_VERSION := v2.15.0
FUZZTIME ?= 20s

.PHONY: build demo test race lint fuzz bench canary faults oracle dist notices docs clean

build: ## the one binary, bin/carereach
	$(GO) build -tags $(TAGS) -trimpath -ldflags '$(LDFLAGS)' -o bin/carereach ./cmd/carereach

demo: build ## a small made-up clinic through the whole line
	bin/carereach demo --dir demo-out

test: ## everything that needs no service
	$(GOTEST) -timeout 20m ./...

race: ## the same under the race detector, long runs shortened
	$(GOTEST) -race -short -timeout 30m ./...

$(LINT):
	$(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)

lint: $(LINT) ## golangci-lint as pinned, go vet, a tidy go.mod
	$(GO) mod tidy -diff
	$(GO) vet -tags $(TAGS) ./...
	$(LINT) run --timeout 15m ./...

fuzz: ## every fuzz target for FUZZTIME
	@set -e; for pkg in $$($(GO) list -tags $(TAGS) ./...); do \
	  for f in $$($(GOTEST) -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
	    echo "fuzz $$pkg $$f"; $(GOTEST) -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) -parallel 2 $$pkg; done; done

bench: ## figures of README: load, rules, workbook, list (minutes)
	$(GOTEST) -run '^$$' -bench 'BenchmarkLoad|BenchmarkRun' -benchtime 1x -timeout 30m -v ./internal/app

canary: build ## planted names, numbers and addresses must stay in vault, sealed logs and granted lists
	$(GOTEST) -count=1 -run '^TestCanary' -v ./internal/app

faults: ## kill -9 at every named point of loading and publishing, with controls that must fail
	$(GOTEST) -count=1 -run 'Kill|Crash|Fault|DiskFull' -v ./internal/... ./ingest/... ./pipeline/...

oracle: build ## independent judges of the workbook: schema, recalculation, rendering
	$(GOTEST) -count=1 -run '^TestOracle' -v ./reports/workbook

notices: ## rewrite THIRD_PARTY_NOTICES.md from what is linked
	$(GO) run ./tools/notices -tags $(TAGS) -write THIRD_PARTY_NOTICES.md ./cmd/carereach

docs: ## rewrite the data dictionary from the code
	$(GOTEST) -count=1 -run '^TestDictionary' ./pipeline -update

dist: build ## a .deb and a tarball under dist/
	packaging/build.sh "$(VERSION)" bin/carereach dist

clean:
	rm -rf bin dist demo-out
