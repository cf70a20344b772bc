package trustedroot

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"strings"

	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	prototrustroot "github.com/sigstore/protobuf-specs/gen/pb-go/trustroot/v1"

	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// addLog adds every generation of a log.
func (b *builder) addLog(name string, generations []ledger.Generation) {
	windows := make([]window, 0, len(generations))
	for _, g := range generations {
		who := fmt.Sprintf("log %s generation %d", name, g.Number)
		if g.Log == nil {
			b.problem("%s: the ledger has no entry for it", who)
			continue
		}
		if l, ok := b.plan.Logs[name]; ok && l.Kind != g.Log.Kind {
			b.problem("%s: the plan says %s, the ledger %s", who, l.Kind, g.Log.Kind)
		}
		if g.Left {
			continue // nothing that it signed may verify
		}
		w := window{number: g.Number, start: g.Start, end: g.End, compromised: g.Compromised != nil}
		windows = append(windows, w)
		instance, err := b.logInstance(who, g.Log, w)
		if err != nil {
			b.problem("%s: %w", who, err)
			continue
		}
		if g.Log.Kind == plan.RekorV2 {
			b.root.Tlogs = append(b.root.Tlogs, instance)
		} else {
			b.root.Ctlogs = append(b.root.Ctlogs, instance)
		}
	}
	b.checkWindows("log "+name, windows)
}

func (b *builder) logInstance(who string, l *ledger.Log, w window) (*prototrustroot.TransparencyLogInstance, error) {
	if l.Kind != plan.RekorV2 && l.Kind != plan.StaticCT {
		return nil, fmt.Errorf("kind %q is neither %s nor %s", l.Kind, plan.RekorV2, plan.StaticCT)
	}
	if err := checkLogURL(l); err != nil {
		return nil, err
	}
	data, err := readFile(b.files, l.File)
	if err != nil {
		return nil, err
	}
	spki, err := checkpointKey(data)
	if err != nil {
		return nil, fmt.Errorf("file %s: %w", l.File.Path, err)
	}
	id := sha256.Sum256(spki)
	keyID := hex.EncodeToString(id[:])
	if keyID != l.LogID {
		return nil, fmt.Errorf("file %s: log ID is %s, the ledger says %s", l.File.Path, keyID, l.LogID)
	}
	if err := b.claim(keyID, who); err != nil {
		return nil, err
	}
	details := keyDetails
	return &prototrustroot.TransparencyLogInstance{
		BaseUrl:       l.URL,
		HashAlgorithm: protocommon.HashAlgorithm_SHA2_256,
		PublicKey: &protocommon.PublicKey{
			RawBytes:   spki,
			KeyDetails: details,
			// the window belongs to the key, not to the log: strict parsers
			// refuse it one level up
			ValidFor: w.proto(),
		},
		LogId: &protocommon.LogId{KeyId: id[:]},
	}, nil
}

// checkLogURL refuses a base URL with which clients cannot work. Verifiers of
// Rekor v2 take the checkpoint's origin from the URL's host name and nothing
// else (sigstore-go, pkg/verify/tlog.go).
func checkLogURL(l *ledger.Log) error {
	u, err := url.Parse(l.URL)
	if err != nil || u.Scheme == "" || u.Hostname() == "" {
		return fmt.Errorf("url %q: needs a scheme and a host", l.URL)
	}
	if l.Kind == plan.RekorV2 && u.Hostname() != l.Origin {
		return fmt.Errorf("origin %q: verifiers expect %q, the host of its url", l.Origin, u.Hostname())
	}
	return nil
}

// checkpointKey returns the DER SubjectPublicKeyInfo in a PEM file. Any key
// but ECDSA P-256 is refused.
func checkpointKey(data []byte) ([]byte, error) {
	block, rest := pem.Decode(data)
	if block == nil || block.Type != "PUBLIC KEY" || len(bytes.TrimSpace(rest)) != 0 {
		return nil, errors.New("not exactly one PEM block of type PUBLIC KEY")
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("parse public key: %w", err)
	}
	ec, ok := key.(*ecdsa.PublicKey)
	if !ok || ec.Curve != elliptic.P256() {
		return nil, fmt.Errorf("key is %s: a checkpoint key must be ECDSA P-256, which alone all verifiers accept", keyName(key))
	}
	spki, err := x509.MarshalPKIXPublicKey(ec)
	if err != nil {
		return nil, fmt.Errorf("encode public key: %w", err)
	}
	if !bytes.Equal(spki, block.Bytes) {
		return nil, errors.New("public key is not encoded in DER with an uncompressed point")
	}
	return spki, nil
}

// keyName says in words what kind of key it is.
func keyName(key any) string {
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		return "ECDSA " + k.Curve.Params().Name
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA %d", k.Size()*8)
	case ed25519.PublicKey:
		return "Ed25519"
	default:
		return strings.TrimPrefix(fmt.Sprintf("%T", key), "*")
	}
}

// LogKey is the key of a transparency log.
type LogKey struct {
	// Origin is what verifiers take it to be: the host of the log's base URL
	// (sigstore-go, pkg/verify).
	Origin     string
	SPKISHA256 string // hex
}

// LogKeys returns the keys of the transparency logs of a trusted root.
func LogKeys(data []byte) ([]LogKey, error) {
	msg, err := parse(data)
	if err != nil {
		return nil, err
	}
	keys := []LogKey{}
	for _, l := range msg.GetTlogs() {
		if u, err := url.Parse(l.GetBaseUrl()); err == nil {
			sum := sha256.Sum256(l.GetPublicKey().GetRawBytes())
			keys = append(keys, LogKey{Origin: u.Hostname(), SPKISHA256: hex.EncodeToString(sum[:])})
		}
	}
	return keys, nil
}
