package trustedroot

import (
	"crypto/elliptic"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/linnemanlabs/trustroot/internal/testpki"
	"github.com/linnemanlabs/trustroot/pki/trustedroot/judge"
	sigstore "github.com/linnemanlabs/trustroot/pki/trustedroot/world"
)

// Who signs in the test world.
const testIssuer = "https://login.example.org"

// signed keeps bundles by what they depend on.
var signed sync.Map

// services returns one generation of every service.
func (w *world) services(generation int) *sigstore.Services {
	return w.mixed(generation, generation, generation, generation)
}

// mixed returns services of several generations at once, as between the
// renewals of two of them.
func (w *world) mixed(fulcio, tsa, ct, rekor int) *sigstore.Services {
	return &sigstore.Services{
		Fulcio: w.fulcio[fulcio-1].cert, FulcioKey: w.fulcio[fulcio-1].key,
		TSA: w.tsa[tsa-1].cert, TSAKey: w.tsa[tsa-1].key,
		CTKey:    w.ct[ct-1],
		RekorKey: w.rekor[rekor-1], RekorOrigin: w.state.Logs["rekor"][rekor-1].Log.Origin,
	}
}

// sign makes a Sigstore bundle as the services of one generation would make it
// at an instant: a Fulcio certificate with an embedded SCT, an RFC 3161
// timestamp, and a Rekor v2 entry with inclusion proof and checkpoint.
func (w *world) sign(t *testing.T, name string, generation int, at time.Time) judge.Bundle {
	t.Helper()
	return w.signBy(t, name, w.services(generation), at)
}

func (w *world) signBy(t *testing.T, name string, s *sigstore.Services, at time.Time) judge.Bundle {
	t.Helper()
	same := fmt.Sprintf("%s %v %x %x %x %x", name, at, s.Fulcio.Raw, s.TSA.Raw, testpki.SPKI(t, s.RekorKey.Public()), testpki.SPKI(t, s.CTKey.Public()))
	if data, ok := signed.Load(same); ok {
		return judge.Bundle{Name: name, Data: data.([]byte)}
	}
	var data []byte
	// the TSA's library writes the clock's time into the signature's
	// attributes, so the clock is moved to the instant
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(at))
		var err error
		data, err = s.Sign(sigstore.Signature{
			Artifact: artifact(name),
			Identity: w.identity(),
			Issuer:   testIssuer,
			Key:      testpki.FixedKey(t, elliptic.P256(), w.plan.Organization+" signer "+name).PrivateKey,
			At:       at,
		})
		if err != nil {
			t.Fatal(err)
		}
	})
	signed.Store(same, data)
	return judge.Bundle{Name: name, Data: data}
}

// identity is who signs in a world.
func (w *world) identity() string { return "https://ci." + w.plan.Organization + "/build" }

// artifact is what a bundle of a name signs.
func artifact(name string) []byte { return []byte("artifact " + name) }
