package token

import (
	"crypto/ecdsa"
	"errors"
	"fmt"
	"time"

	"github.com/linnemanlabs/trustroot/pki"
)

// importProof is what remains of an import: the public key, a text that says
// what it is, and each token's signature over that text.
type importProof struct {
	public []byte // PEM
	text   []byte

	Slot       string         `json:"slot"`
	Algorithm  string         `json:"algorithm"`
	SPKISHA256 string         `json:"spki_sha256"`
	Time       time.Time      `json:"time"`
	Attestable bool           `json:"attestable"` // never true
	Tokens     []importSigned `json:"tokens"`
}

type importSigned struct {
	Serial    uint32 `json:"serial"`
	File      string `json:"signature"` // ASN.1 DER, over the text
	signature []byte
}

func newImportProof(i *importing, public *ecdsa.PublicKey) (*importProof, error) {
	text, errP := pki.EncodePublicKey(public)
	digest, errD := pki.SPKISHA256(public)
	if err := errors.Join(errP, errD); err != nil {
		return nil, err
	}
	p := &importProof{public: text, Slot: string(i.slot), Algorithm: i.key.Algorithm, SPKISHA256: digest, Time: i.Now}
	p.text = fmt.Appendf(nil, "trustroot token import: this key was made on a host and can never be attested\n"+
		"time %s\nslot %s of the YubiKeys %s\nPIN %s, touch %s\n%s key, SHA-256 of its public key %s\n",
		i.Now.Format(time.RFC3339), i.slot, i.names(), i.key.PIN, i.key.Touch, i.key.Algorithm, digest)
	return p, nil
}

// add keeps a token's signature, the newest where there are two.
func (p *importProof) add(serial uint32, signature []byte) {
	signed := importSigned{Serial: serial, File: fmt.Sprintf("%d.sig", serial), signature: signature}
	if n := len(p.Tokens); n > 0 && p.Tokens[n-1].Serial == serial {
		p.Tokens = p.Tokens[:n-1]
	}
	p.Tokens = append(p.Tokens, signed)
}

// files are those of the proof's folder.
func (p *importProof) files() map[string][]byte {
	files := map[string][]byte{"key.pem": p.public, "statement.txt": p.text}
	for _, t := range p.Tokens {
		files[t.File] = t.signature
	}
	return files
}
