.PHONY: build run test e2e vet fuzz lint cover tidy check

build:
	scripts/build

run:
	scripts/rehearse

test:
	go test -race -gcflags='crypto/internal/fips140/nistec/...=-race=false' ./...

e2e:
	scripts/e2e

vet:
	go vet ./...

fuzz:
	scripts/fuzz

lint:
	go tool -modfile=scripts/tools/go.mod golangci-lint run ./...

cover:
	go test -coverprofile=cover.out ./... && go tool cover -func=cover.out | tail -n 1

tidy:
	go mod tidy

check: tidy vet lint cover
