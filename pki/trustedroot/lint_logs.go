package trustedroot

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strings"

	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	prototrustroot "github.com/sigstore/protobuf-specs/gen/pb-go/trustroot/v1"

	"github.com/linnemanlabs/trustroot/internal/digest"
)

// keysSeen maps the bytes of public keys and key IDs of logs to where they
// stood first.
type keysSeen map[string]string

func logs(l *linter, list string, logs []*prototrustroot.TransparencyLogInstance, rekor bool, keys keysSeen) []span {
	spans := make([]span, 0, len(logs))
	for i, log := range logs {
		path := fmt.Sprintf("$.%s[%d]", list, i)
		if log.GetHashAlgorithm() != protocommon.HashAlgorithm_SHA2_256 {
			l.add(ruleHash, path+".hashAlgorithm", fmt.Sprintf("The Merkle tree's hash algorithm is %s", log.GetHashAlgorithm()), `Write "SHA2_256"`)
		}
		logKey(l, path, log, rekor, keys)
		logURL(l, path+".baseUrl", log.GetBaseUrl(), rekor)
		if log.GetOperator() != "" {
			l.add(ruleV02, path+".operator", "A log's operator is a field of version 0.2", "Remove it: the media type says 0.1")
		}
		if id := log.GetCheckpointKeyId(); id != nil {
			r := ruleV02Key
			if bytes.Equal(id.GetKeyId(), log.GetLogId().GetKeyId()) {
				r = ruleV02
			}
			l.add(r, path+".checkpointKeyId", "A log's checkpointKeyId is a field of version 0.2, and sigstore-js takes it for the whole log ID", "Remove it: the media type says 0.1")
		}
		validFor := log.GetPublicKey().GetValidFor()
		if log.GetPublicKey() != nil && validFor.GetStart() == nil {
			l.add(ruleLogWindow, path+".publicKey.validFor", "The key has no validFor with a start", "Write validFor within publicKey, with the instant of first use as start")
		}
		s := newSpan(path, log.GetBaseUrl(), validFor)
		if raw := log.GetPublicKey().GetRawBytes(); len(raw) > 0 {
			s.key = digest.Hex(raw)
			compromise(l, &s, s.key)
		}
		spans = append(spans, s)
	}
	return spans
}

// logKey judges a log's key and its ID.
func logKey(l *linter, path string, log *prototrustroot.TransparencyLogInstance, rekor bool, keys keysSeen) {
	id := log.GetLogId().GetKeyId()
	if len(id) == 0 {
		l.add(ruleLogIDAbsent, path+".logId", "The log has no ID", "Write the SHA-256 of the key's DER as logId.keyId")
	}
	raw := log.GetPublicKey().GetRawBytes()
	if len(raw) == 0 {
		l.add(ruleKeyAbsent, path+".publicKey", "The log has no public key", "Write its DER SubjectPublicKeyInfo as publicKey.rawBytes")
		return
	}
	first, ok := keys[string(raw)]
	if !ok && len(id) > 0 {
		first, ok = keys[string(id)]
	}
	if ok {
		l.add(ruleSharedKey, path, fmt.Sprintf("Its key or log ID is that of %s", first), "Give every log a key of its own: a log is found by nothing else")
	}
	keys[string(raw)], keys[string(id)] = path, path
	key, err := x509.ParsePKIXPublicKey(raw)
	if err != nil {
		if rsaKey, pkcs1 := x509.ParsePKCS1PublicKey(raw); pkcs1 == nil {
			l.add(ruleKeyPKCS1, path+".publicKey", fmt.Sprintf("The key is %s in PKCS #1", keyName(rsaKey)), keyRepair)
			return
		}
		l.add(ruleKeyBroken, path+".publicKey.rawBytes", "The key is not a DER SubjectPublicKeyInfo", "Write what openssl pkey -pubin -outform DER prints, in base64")
		return
	}
	keyKind(l, path+".publicKey", key, log.GetPublicKey())
	ids, how := logIDs(raw, key, log.GetBaseUrl(), rekor)
	if len(id) > 0 && !slices.ContainsFunc(ids, func(want []byte) bool { return bytes.Equal(id, want) }) {
		l.add(ruleKeyID, path+".logId.keyId", fmt.Sprintf("The log ID %s is not of this key", base64.StdEncoding.EncodeToString(id)),
			fmt.Sprintf("Write %s, %s", base64.StdEncoding.EncodeToString(ids[0]), how))
	}
}

const keyRepair = "Sign the log's checkpoints with an ECDSA P-256 key, which alone every client verifies"

// keyKind judges the key and the algorithm that is written beside it.
func keyKind(l *linter, path string, key any, public *protocommon.PublicKey) {
	details := public.GetKeyDetails()
	right := detailsOf(key)
	kind := func(r rule) rule {
		if end := public.GetValidFor().GetEnd(); end != nil {
			return settled(l, r, end.AsTime())
		}
		return r
	}
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		if k.Curve != elliptic.P256() {
			text := fmt.Sprintf("The key is %s", keyName(key))
			if k.Curve == elliptic.P384() && strings.HasPrefix(path, "$.tlogs") { // see TestClients_ShapesOfPublishedFiles
				text += ", with which sigstore-js verifies no Rekor v2 log, and cosign and sigstore-go no Rekor v1 log"
			}
			l.add(kind(ruleKeyKind), path, text, keyRepair)
		}
	case ed25519.PublicKey:
		l.add(kind(ruleKeyEd25519), path, "The key is Ed25519: clients older than Rekor v2 do not know it", keyRepair)
	case *rsa.PublicKey:
		l.add(kind(ruleKeyRSA), path, fmt.Sprintf("The key is %s", keyName(key)), keyRepair)
	default:
		l.add(kind(ruleKeyKind), path, fmt.Sprintf("The key is %s", keyName(key)), keyRepair)
	}
	if details == right {
		return
	}
	r := ruleKeyDetails
	if !sameFamily(key, details) {
		r = ruleKeyFamily
		if strings.Contains(details.String(), "RSA_PKCS1V") { // sigstore-js reads it as PKCS #1
			r = ruleKeyNotRSA
		}
	}
	l.add(r, path+".keyDetails", fmt.Sprintf("keyDetails says %s, the key is %s", details, keyName(key)), fmt.Sprintf("Write %q", right))
}

// detailsOf returns what keyDetails says of a key.
func detailsOf(key any) protocommon.PublicKeyDetails {
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		switch k.Curve {
		case elliptic.P256():
			return protocommon.PublicKeyDetails_PKIX_ECDSA_P256_SHA_256
		case elliptic.P384():
			return protocommon.PublicKeyDetails_PKIX_ECDSA_P384_SHA_384
		case elliptic.P521():
			return protocommon.PublicKeyDetails_PKIX_ECDSA_P521_SHA_512
		}
	case ed25519.PublicKey:
		return protocommon.PublicKeyDetails_PKIX_ED25519
	case *rsa.PublicKey:
		switch k.Size() * 8 {
		case 2048:
			return protocommon.PublicKeyDetails_PKIX_RSA_PKCS1V15_2048_SHA256
		case 3072:
			return protocommon.PublicKeyDetails_PKIX_RSA_PKCS1V15_3072_SHA256
		case 4096:
			return protocommon.PublicKeyDetails_PKIX_RSA_PKCS1V15_4096_SHA256
		}
	}
	return protocommon.PublicKeyDetails_PUBLIC_KEY_DETAILS_UNSPECIFIED
}

// sameFamily reports whether sigstore-go loads a key under these details: it
// compares the kind of key, not its size.
func sameFamily(key any, details protocommon.PublicKeyDetails) bool {
	switch details {
	case protocommon.PublicKeyDetails_PKIX_ECDSA_P256_SHA_256,
		protocommon.PublicKeyDetails_PKIX_ECDSA_P384_SHA_384,
		protocommon.PublicKeyDetails_PKIX_ECDSA_P521_SHA_512:
		_, ok := key.(*ecdsa.PublicKey)
		return ok
	case protocommon.PublicKeyDetails_PKIX_RSA_PKCS1V15_2048_SHA256,
		protocommon.PublicKeyDetails_PKIX_RSA_PKCS1V15_3072_SHA256,
		protocommon.PublicKeyDetails_PKIX_RSA_PKCS1V15_4096_SHA256:
		_, ok := key.(*rsa.PublicKey)
		return ok
	case protocommon.PublicKeyDetails_PKIX_ED25519:
		_, ok := key.(ed25519.PublicKey)
		return ok
	default:
		return false
	}
}

// logIDs returns the IDs that a log of a key may have, the likeliest first, and
// how that one is computed: SHA-256 of the DER (RFC 6962 3.2), or in Rekor v2,
// for what is not ECDSA, the note key ID over origin and key (C2SP signed-note,
// rekor-tiles pkg/note). No client finds an Ed25519 log of Rekor v2 by the
// former; for RSA both were seen.
func logIDs(raw []byte, key any, baseURL string, rekor bool) (ids [][]byte, how string) {
	sum := func(parts ...string) []byte {
		digest := sha256.Sum256([]byte(strings.Join(parts, "")))
		return digest[:]
	}
	const note = "the SHA-256 of the origin, a newline, the key type and the key"
	if k, ok := key.(ed25519.PublicKey); ok && rekor {
		return [][]byte{sum(host(baseURL), "\n\x01", string(k))}, note
	}
	ids = append(ids, sum(string(raw)))
	if _, ok := key.(*rsa.PublicKey); ok && rekor {
		ids = append(ids, sum(host(baseURL), "\n\xffPKIX-RSA-PKCS#1v1.5", string(raw)))
	}
	return ids, "the SHA-256 of the key's DER"
}

// logURL judges a log's base URL. Of a Rekor v2 log it must give the origin of
// the checkpoints, which verifiers take from the host alone.
func logURL(l *linter, path, raw string, rekor bool) {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme == "" || u.Hostname() == "" {
		r := ruleBaseURL
		switch {
		case !rekor:
			r = ruleURLForm
		case raw == "":
			r = ruleBaseURLNone
		}
		l.add(r, path, fmt.Sprintf("The URL %q has no scheme and host", raw), "Write https:// and the host, which is the checkpoints' origin")
		return
	}
	switch {
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		l.add(ruleURLForm, path, "The URL has more than scheme, host and path", "Remove the rest")
	case rekor && (u.Port() != "" || strings.Trim(u.Path, "/") != ""):
		l.add(ruleURLForm, path, fmt.Sprintf("Of the URL %q verifiers take %q only, port and path are dropped", raw, u.Hostname()), "Give the log a host of its own, equal to its origin")
	case strings.HasSuffix(raw, "/"):
		l.add(ruleURLForm, path, "The URL ends in a slash", "Remove the slash: URLs are compared as they are written")
	}
}
