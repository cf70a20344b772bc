.PHONY: build run test e2e vet fuzz lint cover tidy check release clean

# of a release: the tag of this commit
VERSION ?= $(shell git describe --tags --exact-match 2>/dev/null)

build:
	scripts/build

run:
	scripts/rehearse

test:
	go test -race -timeout 30m -gcflags='crypto/internal/fips140/nistec/...=-race=false' ./...

e2e:
	scripts/e2e

vet:
	go vet ./...

fuzz:
	scripts/fuzz

lint:
	go tool -modfile=scripts/tools/go.mod golangci-lint run ./...

# a product package that has tests of its own and covers less than 75 % fails
cover:
	go test -timeout 30m -coverprofile=cover.out ./... | tee cover.txt
	go tool cover -func=cover.out | tail -n 1
	@awk '/^FAIL/ { exit 1 } $$1 == "ok" && $$2 !~ /\/scripts\/|\/cmd\// && match($$0, /coverage: [0-9.]+/) && substr($$0, RSTART+10)+0 < 75 { print "under 75 %: " $$2; bad = 1 } END { exit bad }' cover.txt

tidy:
	go mod tidy -diff

check: tidy vet lint cover

release:
	scripts/release $(VERSION)

clean:
	rm -rf bin dist cover.out cover.txt
