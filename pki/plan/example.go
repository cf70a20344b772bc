package plan

import (
	"bytes"
	"fmt"
	"strings"
	"text/template"
	"time"

	"github.com/linnemanlabs/trustroot/templates"
)

// Example is what the first plan of an organisation is written from.
type Example struct {
	Organization string // O of every subject
	Name         string // begins every common name
	Domain       string // the services are its sub-domains
	NotBefore    time.Time
	Token        uint32 // serial number of the root's YubiKey
	Holders      []ExampleHolder
	Threshold    int
	Witnesses    []string       // of the founding ceremony
	SingleHolder string         // the reason for a threshold of one; empty where it is more
	App          string         // name of an application with a key in KMS; empty leaves it to be filled in
	OIDC         string         // issuer URL of the identity provider; empty leaves it to be filled in
	KMS          *KMS           // account and principals; nil leaves them to be filled in
	Keys         map[string]Pin // by authority, log or application; "online_key" for the TUF repository
	CRL          string         // URL of the root's CRL; empty makes none
	// AttestationRoots marks a rehearsal: PEM certificates.
	AttestationRoots string
	BinarySHA256     string // of the program that runs on the day; empty pins none
	ImageSHA256      string // of the ceremony image; empty where the day is held on another system
}

// ExampleHolder is one holder of a TUF key.
type ExampleHolder struct {
	Name  string
	Token uint32
}

// Pin is a KMS key as the plan pins it.
type Pin struct {
	ARN        string
	SPKISHA256 string // hex
}

// Render writes the plan with its comments.
func (e Example) Render() ([]byte, error) {
	t, err := template.New("pki.yaml.tmpl").ParseFS(templates.FS, "plan/pki.yaml.tmpl")
	if err != nil {
		return nil, fmt.Errorf("read the plan's template: %w", err)
	}
	keys := map[string]*Pin{}
	for name, pin := range e.Keys {
		keys[name] = &pin
	}
	var out bytes.Buffer
	err = t.Execute(&out, map[string]any{
		"Organization":     e.Organization,
		"Name":             e.Name,
		"Domain":           e.Domain,
		"Year":             e.NotBefore.Year(),
		"Day":              e.NotBefore.Format(time.DateOnly),
		"NotBefore":        e.NotBefore.UTC().Format(time.RFC3339),
		"BinarySHA256":     e.BinarySHA256,
		"ImageSHA256":      e.ImageSHA256,
		"Token":            e.Token,
		"Holders":          e.Holders,
		"Threshold":        e.Threshold,
		"Witnesses":        strings.Join(e.Witnesses, ", "),
		"SingleHolder":     e.SingleHolder,
		"App":              e.App,
		"OIDC":             e.OIDC,
		"CRL":              e.CRL,
		"KMS":              e.KMS,
		"Keys":             keys,
		"AttestationRoots": indentPEM(e.AttestationRoots),
	})
	if err != nil {
		return nil, fmt.Errorf("render the plan: %w", err)
	}
	return out.Bytes(), nil
}

func indentPEM(pem string) string {
	if pem == "" {
		return ""
	}
	return "    " + strings.ReplaceAll(strings.TrimSpace(pem), "\n", "\n    ") + "\n"
}
