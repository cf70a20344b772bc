package plan

import (
	"errors"
	"testing"

	"github.com/linnemanlabs/trustroot/internal/strict"
)

// testRoot is a self-signed certificate whose key was thrown away.
const testRoot = `-----BEGIN CERTIFICATE-----
MIIBwDCCAWWgAwIBAgIUJ3s+DQ/2aMLOoTdzfvSwY09QCa0wCgYIKoZIzj0EAwIw
NDESMBAGA1UECgwJUkVIRUFSU0FMMR4wHAYDVQQDDBVUZXN0IGF0dGVzdGF0aW9u
IHJvb3QwIBcNMjYxMTIyMjAyNTA3WhgPMjEyNjEwMjkyMDI1MDdaMDQxEjAQBgNV
BAoMCVJFSEVBUlNBTDEeMBwGA1UEAwwVVGVzdCBhdHRlc3RhdGlvbiByb290MFkw
EwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEzj8Tx4ONOASyazjkRsIzznVm+78GrcT2
qkgPhYPJpYEE15QWyFxXJQfuBzk14P2gSluzJOZCtfYvGQe1Gz/1UKNTMFEwHQYD
VR0OBBYEFJ6+CVoM4TAQHfnciYFreUuYBnasMB8GA1UdIwQYMBaAFJ6+CVoM4TAQ
HfnciYFreUuYBnasMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSQAwRgIh
AKK4IDlT5dw2e6tUwz96EsyP2m1YqouVD6H/LNnIfVwpAiEAurRj8cpySo2FXSZj
8iBA7fk+40ZzQvk+gfGw3upOzcY=
-----END CERTIFICATE-----
`

func asProblems(t *testing.T, err error) strict.Problems {
	t.Helper()
	problems, ok := errors.AsType[strict.Problems](err)
	if !ok || len(problems) == 0 {
		t.Fatalf("the error is not a list of problems: %v", err)
	}
	return problems
}
