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

# What all tests and the programs that they start run of each product package: one
# under 75 % fails.
cover:
	go test -timeout 60m -coverpkg=./... -coverprofile=cover.out ./...
	@awk 'NR > 1 && !/\/(cmd|scripts|internal\/(needs|testpki|pty))\// { p = $$1; sub(/\/[^\/]*$$/, "", p); size[p, $$1] = $$2; if ($$3 > 0) ran[p, $$1] = 1 } \
		END { for (k in size) { split(k, at, SUBSEP); all[at[1]] += size[k]; if (k in ran) got[at[1]] += size[k] } \
			for (p in all) { part = 100 * got[p] / all[p]; printf "%5.1f %% of %s\n", part, p; if (part < 75) { print "under 75 %: " p; bad = 1 } } exit bad }' cover.out

tidy:
	go mod tidy -diff

check: tidy vet lint cover

release:
	scripts/release $(VERSION)

clean:
	rm -rf bin dist cover.out
