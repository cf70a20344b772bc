package draft_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/draft"
	"github.com/linnemanlabs/trustroot/internal/testpki"
)

func TestNames_FindsSharedSubjectsAndKeysOverAllCertificates(t *testing.T) {
	key := func() *ecdsa.PrivateKey {
		return testpki.Key(t, elliptic.P256())
	}
	issue := func(name string, k *ecdsa.PrivateKey, parent *x509.Certificate, by *ecdsa.PrivateKey) *x509.Certificate {
		c := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour)}
		if parent == nil {
			parent, by = c, k
		}
		return testpki.Certify(t, c, parent, k.Public(), by)
	}
	one, two, fulcio, next := key(), key(), key(), key()
	root := issue("Root", one, nil, nil)
	honest := draft.Known{
		"root":   {root, issue("Root 2", two, nil, nil)},
		"fulcio": {issue("Fulcio", fulcio, root, one), issue("Fulcio", fulcio, root, one), issue("Fulcio", next, root, one)},
	}
	if found := draft.Names(honest); len(found) != 0 {
		t.Errorf("renewals are found: %v", found)
	}
	for id, known := range map[string]draft.Known{
		"two-keys-one-subject": {"root": {root, issue("Root", two, nil, nil)}},
		"one-key-two-subjects": {"root": {root}, "fulcio": {issue("Fulcio", fulcio, root, one)}, "tsa": {issue("TSA", fulcio, root, one)}},
	} {
		if found := draft.Names(known); len(found) != 1 || found[0].ID != id || !strings.Contains(found[0].String(), "g1") {
			t.Errorf("%s: %v", id, found)
		}
	}
}
