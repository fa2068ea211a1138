# Each recipe is made of plain commands that can be pasted. CI runs `make check`.

GOTEST   = go test
FUZZTIME = 30s
SOAK     = 10m
PYTHON   = python3
NODE     = node
NPM      = npm
CHROMIUM = chromium
BENCH    =

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

demo: ## generate the code of an example's table and stream 50,000 flights
	go generate ./examples/flights
	go run ./examples/flights

generate: ## write all generated files anew
	go generate ./...

test: ## run all Go tests
	$(GOTEST) ./...

race: ## run all but the long ones under the race detector
	$(GOTEST) -race -short ./...

purego: ## run all but the long ones without unsafe and assembly
	$(GOTEST) -tags purego -short ./...

debug: ## run all but the long ones of the runtime in a debug build, which notices the use of released memory
	$(GOTEST) -tags lightstream_debug -short ./runtime/... ./internal/... ./transports/... ./examples/...

cross: ## build everything for other systems, the transports with their tests
	GOARCH=386 go build ./...
	GOARCH=arm64 go build ./...
	GOARCH=s390x go build ./...
	GOOS=darwin GOARCH=arm64 go build ./...
	GOOS=darwin GOARCH=arm64 go vet ./transports/...
	GOOS=windows GOARCH=amd64 go build ./...
	GOOS=windows GOARCH=amd64 go vet ./transports/...

emulate: ## run the tests of the runtime on a 32-bit, an arm64 and a big-endian machine, which write the same bytes; needs qemu-user-static
	GOARCH=386 $(GOTEST) -short ./runtime/... ./internal/...
	GOARCH=arm64 $(GOTEST) -short -exec qemu-aarch64-static ./runtime/... ./internal/...
	GOARCH=s390x $(GOTEST) -short -exec qemu-s390x-static ./runtime/... ./internal/...

hostile: ## read 50,000 damaged streams, files and mapped files in a process whose memory is measured
	$(GOTEST) -count=1 -run '^TestMutations$$' ./runtime/ipc -args -mutations 50000

copymemory: ## copy a table of 4 GiB from each format to each other in processes of at most 256 MiB
	$(GOTEST) -count=1 -timeout 0 -v -run '^TestCopyMemory$$' ./cmd/lightstream -args -copy 4096

soak: ## stream for SOAK (10m) at full rate, and watch memory, file descriptors and goroutines
	$(GOTEST) -count=1 -timeout 0 -v -run '^TestSoak$$' ./internal/soak -args -for $(SOAK)

fuzz: ## run each fuzz target for FUZZTIME (30s)
	.ci/fuzz $(FUZZTIME)

random: ## generate 200 tables of random shape, run their own tests, and build 100 with an empty cache
	$(GOTEST) -count=1 -timeout=60m -run 'TestRandomTables|TestBinarySize' -bench ColdBuild -benchtime 1x -v ./cmd/lightstream-gen -tables 200

lint: ## check format, vet and staticcheck
	! gofmt -l . | grep .
	! go tool -modfile=tools.mod gofumpt -l . | grep .
	go mod tidy -diff
	go vet ./...
	go mod tidy -C internal/asm/_gen -diff
	go vet -C internal/asm/_gen ./...
	go mod tidy -C examples/nats -diff
	go vet -C examples/nats ./...
	go mod tidy -C examples/kafka -diff
	go vet -C examples/kafka ./...
	go tool -modfile=tools.mod staticcheck ./...
	cd internal/asm/_gen && go tool -modfile=../../../tools.mod staticcheck ./...
	cd examples/nats && go tool -modfile=../../tools.mod staticcheck ./...
	cd examples/kafka && go tool -modfile=../../tools.mod staticcheck ./...
	go vet -C bench ./...
	cd bench && go tool -modfile=../tools.mod staticcheck ./...

bench: ## measure against arrow-go and raw sockets; BENCH="-only ^stream" has some of the cells
	go run -C bench ./cmd/bench $(BENCH)

bench-all: ## measure everything beside the peers in Go, Rust and Python, and write docs/benchmarks.md; 45 minutes on a quiet machine, BENCH=-fresh begins anew
	go run -C bench ./cmd/bench -report ../docs -files data -peers peers -budget 45m $(BENCH)

guard: ## count the instructions and allocations of the hot paths, and compare; needs valgrind
	go run -C bench ./cmd/guard

benchtest: ## run each benchmark once
	cd bench && $(GOTEST) -bench . -benchtime 1x ./...

brokers: ## run the examples for NATS and Kafka, each a module of its own, with their consumers killed
	go run -C examples/nats .
	cd examples/nats && $(GOTEST) -count=1 ./...
	go run -C examples/kafka .
	cd examples/kafka && $(GOTEST) -count=1 ./...

interop: ## exchange streams and files with other implementations, in Python and Node.js
	$(PYTHON) -m venv .venv
	.venv/bin/pip install --quiet --disable-pip-version-check -r interop/peers/requirements.txt
	$(NPM) ci --silent --no-audit --no-fund --prefix interop/peers
	$(GOTEST) -count=1 ./interop/peers -args -python ../../.venv/bin/python -node $(NODE) -chromium $(CHROMIUM) -matrix ../../docs/interop.md
	$(GOTEST) -count=1 -run TestReadme . -args -python .venv/bin/python

page: ## bundle the page for browsers anew, from examples/browser/page/src
	$(NPM) ci --silent --no-audit --no-fund --prefix examples/browser/page/src
	$(NODE) examples/browser/page/src/build.mjs

browser: ## look at a served stream with the page in Chromium
	$(NPM) ci --silent --no-audit --no-fund --prefix examples/browser/page/src
	$(GOTEST) -count=1 -run TestBrowser ./examples/browser -args -node $(NODE) -chromium $(CHROMIUM)

check: ## run everything that CI runs, in about 70 minutes
	.ci/run

.PHONY: help demo generate test race purego debug cross emulate hostile soak fuzz random copymemory lint bench bench-all guard benchtest brokers interop page browser check
