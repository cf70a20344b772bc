//go:build linux && cgo

package attacks

import (
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/testpki"
)

// hostileSubject puts a certificate with the hostile text in its subject into
// slot 9a of the holder's token.
func hostileSubject(w *world) {
	w.Helper()
	key := testpki.Key(w, elliptic.P256())
	cert := testpki.Certify(w, &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: hostile, Organization: []string{hostile}},
		NotBefore: time.Now(), NotAfter: time.Now().AddDate(1, 0, 0),
	}, &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: hostile}}, key.Public(), key).Raw
	object := append(binary.BigEndian.AppendUint16([]byte{0x70, 0x82}, uint16(len(cert))), cert...)
	w.edit("rehearsal/holder.json", func(v map[string]any) {
		v["objects"].(map[string]any)["5fc105"] = base64.StdEncoding.EncodeToString(append(object, 0x71, 1, 0, 0xFE, 0))
	})
	w.plug(tokenOf("holder.json"))
}

// answering starts a server that gives one answer to everything.
func answering(w *world, code int, header, body string) string {
	server := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		_, _ = io.Copy(io.Discard, in.Body)
		out.Header().Set("Content-Type", header)
		out.WriteHeader(code)
		_, _ = io.WriteString(out, body)
	}))
	w.Cleanup(server.Close)
	return server.URL
}

// hostileKMS has KMS answer with the hostile text in each field.
func hostileKMS(code int, body map[string]any) func(*world) {
	return func(w *world) {
		text, err := json.Marshal(body)
		if err != nil {
			w.Fatal(err)
		}
		w.env = append(w.env, "AWS_ENDPOINT_URL_KMS="+answering(w, code, "application/x-amz-json-1.1", string(text)), "AWS_MAX_ATTEMPTS=1")
	}
}

// TestScreens_Answers drives commands with hostile strings in what tokens, KMS
// and servers answer.
func TestScreens_Answers(t *testing.T) {
	const arn = "arn:aws:kms:eu-west-1:111122223333:key/3c0d1112-1e83-43dd-9982-6f1a725801db"
	described := map[string]any{"KeyMetadata": map[string]any{
		"Arn": arn, "KeyId": hostile, "Description": hostile, "KeySpec": hostile, "KeyState": hostile, "KeyUsage": hostile, "Origin": hostile, "AWSAccountId": hostile,
	}}
	named := map[string]any{"KeyMetadata": map[string]any{"Arn": hostile, "KeyId": hostile, "KeySpec": "ECC_NIST_P256", "KeyState": "Enabled", "KeyUsage": "SIGN_VERIFY", "Origin": "AWS_KMS"}}
	failed := map[string]any{"__type": hostile, "message": hostile, "Message": hostile}
	denied := map[string]any{"__type": "AccessDeniedException", "message": hostile, "Message": hostile}
	var rows []row
	add := func(name string, do func(*world), args ...string) {
		rows = append(rows, row{name: name, do: do, args: args, code: -2, never: raw, words: []string{`\u`}})
	}
	add("a slot certificate's subject", hostileSubject, "token", "info", "--serial", "32000002")
	for _, args := range [][]string{{"kms", "list"}, {"kms", "list", "--pin"}, {"kms", "export"}, {"kms", "policy", "--check", "--admin", "arn:aws:iam::111122223333:role/a"}} {
		for what, c := range map[string]struct {
			code int
			body map[string]any
		}{"a key's description": {200, described}, "a key's name": {200, named}, "an error": {400, failed}, "a refusal": {400, denied}} {
			rows = append(rows, row{name: what + " to " + args[0] + " " + args[1], do: hostileKMS(c.code, c.body), args: args, code: -1, never: raw})
		}
	}
	add("a refusal by KMS", hostileKMS(400, denied), "kms", "list")
	add("a key's state", hostileKMS(200, described), "kms", "list")
	serve := func(code int, body string) func(*world) {
		return func(w *world) { w.env = append(w.env, "URL="+answering(w, code, hostile[:1], body)) }
	}
	text, err := json.Marshal(map[string]any{"signatures": []any{map[string]string{"keyid": hostile, "sig": hostile}}, "signed": map[string]any{"_type": hostile, "version": 2, hostile: hostile}})
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{string(text), hostile} {
		for _, code := range []int{200, 500} {
			rows = append(rows, row{
				name: "a repository's metadata", do: serve(code, body), code: -1, never: raw, under: []string{"sh", "-c", `exec "$0" tuf verify "$URL" --root tuf/1.root.json --rehearsal`},
			})
		}
	}
	rows = append(rows, row{
		name: "metadata to sign", args: []string{"tuf", "sign", nextStaged, "--serial", "32000002"}, code: 5, never: raw, words: []string{`\u`},
		do: func(w *world) {
			staged("targets", "2.targets.json", func(_ *world, signed map[string]any) {
				signed["targets"].(map[string]any)[hostile] = map[string]any{"length": 1, "hashes": map[string]any{"sha256": strings.Repeat("0", 64)}}
			})(w)
			w.plug(tokenOf("holder.json"))
		},
	})
	play(t, rows)
}
