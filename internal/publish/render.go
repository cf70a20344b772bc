package publish

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"github.com/linnemanlabs/trustroot/internal/digest"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/services"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/plan"
	"github.com/linnemanlabs/trustroot/pki/trustedroot"
	"github.com/linnemanlabs/trustroot/templates"
)

// forms are the consumers' forms and their files, below trust/consumers.
var forms = map[string]string{
	"client-trust-config":          "clienttrustconfig.json",
	"gh":                           "trusted_root.jsonl",
	"monitor":                      "monitor.json",
	"spiffe":                       "spiffe-bundle.json",
	"cosign":                       "cosign.sh",
	"policy-controller":            "policy-controller.yaml",
	"policy-controller-repository": "policy-controller-repository.yaml",
	"kyverno":                      "kyverno.yaml",
	"kyverno-values":               "kyverno-values.yaml",
	"flux":                         "flux.yaml",
}

// consumed is what the templates see.
type consumed struct {
	Name, Mirror, Issuer       string
	Fulcio                     string // its URL
	TrustedRoot, SigningConfig []byte
	Roots                      [][]byte // our own trusted root, and each included one
	Root                       []byte   // the newest TUF root
	RootName, RootSHA256       string
	Repository                 []byte // a tar.gz of the TUF repository
	RekorLogs, CTLogs          []monitored
	SPIFFEKeys                 []spiffeKey
	Sequence                   int
}

// monitored is a log as a monitor reads it.
type monitored struct{ ReadURL, Origin string }

// spiffeKey is a root certificate as a JSON Web Key.
type spiffeKey struct{ Curve, X, Y, DER string }

// Render returns a consumer's form of the trust root, from ledger, plan and,
// where the form carries one, the published TUF root. The same inputs give the
// same bytes.
func Render(d *trustdir.Dir, name string) (file string, data []byte, err error) {
	file, ok := forms[name]
	if !ok {
		return "", nil, fault.New(fault.Usage, "name one of "+strings.Join(plan.Forms, ", "), fmt.Errorf("%q is not a form of the trust root", name))
	}
	text, err := fs.ReadFile(templates.FS, "consumers/"+file+".tmpl")
	if err != nil {
		return "", nil, err
	}
	c := &consumed{Name: slug(d.Plan.Organization), Sequence: d.State.Entries}
	if len(d.Plan.OIDC) > 0 {
		c.Issuer = d.Plan.OIDC[0].Issuer
	}
	for _, name := range slices.Sorted(maps.Keys(d.Plan.Authorities)) {
		if a := d.Plan.Authorities[name]; a.Profile == pki.ProfileFulcioCA {
			c.Fulcio = cmp.Or(c.Fulcio, a.URL)
		}
	}
	for _, need := range []struct {
		field string
		read  func(*trustdir.Dir) error
	}{
		{".TrustedRoot", c.readTrust}, {".SigningConfig", c.readTrust}, {".Roots", c.readTrust}, {".Root", c.readRoot}, {".Repository", c.readRepository},
		{".Mirror", c.readMirror}, {".RekorLogs", c.readLogs}, {".SPIFFEKeys", c.readSPIFFE},
	} {
		if bytes.Contains(text, []byte(need.field)) {
			if err := need.read(d); err != nil {
				return "", nil, fmt.Errorf("render %s: %w", name, err)
			}
		}
	}
	t, err := template.New(file).Option("missingkey=error").Funcs(template.FuncMap{
		"json": asJSON, "compact": compact, "nest": nest, "base64": base64.StdEncoding.EncodeToString,
		"text": func(b []byte) string { return string(b) }, "quoteMeta": regexp.QuoteMeta,
	}).Parse(string(text))
	if err != nil {
		return "", nil, err
	}
	var out bytes.Buffer
	if err := t.Execute(&out, c); err != nil {
		return "", nil, fmt.Errorf("render %s: %w", name, err)
	}
	return file, out.Bytes(), nil
}

// errNoTUFRoot says that a form wants a TUF root before there is one.
var errNoTUFRoot = errors.New("there is no published TUF root")

// withRepository are the forms that carry the TUF root or the repository, and
// change with each publication and refresh.
var withRepository = []string{"cosign", "kyverno-values", "policy-controller", "policy-controller-repository"}

// asTargets are published forms that are TUF targets as well: they carry neither
// the TUF root nor the repository, which change with it.
var asTargets = []string{"client-trust-config", "gh", "monitor", "spiffe"}

// keepForms writes those of them that the plan publishes anew.
func keepForms(d *trustdir.Dir) error {
	files, err := renderPublished(d, "trust/", withRepository)
	if err != nil {
		return err
	}
	return d.Replace(files)
}

// renderPublished are those of these forms that the plan publishes, under
// consumers/ of a folder. One that carries the TUF root waits for the first
// publication.
func renderPublished(d *trustdir.Dir, folder string, forms []string) (map[string][]byte, error) {
	files := map[string][]byte{}
	if d.Plan.Publish == nil {
		return files, nil
	}
	for _, name := range d.Plan.Publish.Render {
		if !slices.Contains(forms, name) {
			continue
		}
		file, data, err := Render(d, name)
		if errors.Is(err, errNoTUFRoot) {
			continue
		}
		if err != nil {
			return nil, err
		}
		files[folder+"consumers/"+file] = data
	}
	return files, nil
}

// asJSON writes a value as JSON, which is YAML too.
func asJSON(v any) (string, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return strings.TrimSpace(out.String()), err
}

func compact(data []byte) (string, error) {
	var out bytes.Buffer
	err := json.Compact(&out, data)
	return out.String(), err
}

// nest indents a document that stands in another.
func nest(data []byte) (string, error) {
	var out bytes.Buffer
	err := json.Indent(&out, data, "  ", "  ")
	return strings.TrimSpace(out.String()), err
}

// slug is a name that Kubernetes takes, from the organization's.
func slug(organization string) string {
	words := strings.FieldsFunc(strings.ToLower(organization), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	name := strings.Join(words, "-")
	return strings.Trim(name[:min(len(name), 50)], "-")
}

func (c *consumed) readTrust(d *trustdir.Dir) (err error) {
	if c.TrustedRoot, err = trustedRootBytes(d); err != nil {
		return err
	}
	own, err := trustedroot.Build(d.Plan, d.State, d.FS())
	if err != nil {
		return err
	}
	c.Roots = [][]byte{own}
	for _, in := range d.Plan.Include {
		data, err := fs.ReadFile(d.FS(), in.Path)
		if err != nil {
			return err
		}
		c.Roots = append(c.Roots, data)
	}
	c.SigningConfig, err = trustedroot.BuildSigningConfig(d.Plan, d.State)
	return err
}

func (c *consumed) readMirror(d *trustdir.Dir) error {
	if d.Plan.TUF == nil || d.Plan.TUF.URL == "" {
		return errors.New("the plan has no tuf.url, where consumers fetch")
	}
	c.Mirror = strings.TrimSuffix(d.Plan.TUF.URL, "/")
	return nil
}

// readRoot reads the newest root of the published repository: a new client that
// starts there needs no older one.
func (c *consumed) readRoot(d *trustdir.Dir) (err error) {
	c.RootName, c.Root, err = services.NewestRoot(d.FS())
	if errors.Is(err, fs.ErrNotExist) {
		err = fault.New(fault.Failure, "publish the repository first: `trustroot tuf init`, sign, merge, publish", errNoTUFRoot)
	}
	c.RootSHA256 = digest.Hex(c.Root)
	return err
}

// readLogs lists the logs that are open, for monitors.
func (c *consumed) readLogs(d *trustdir.Dir) error {
	for _, name := range slices.Sorted(maps.Keys(d.Plan.Logs)) {
		for _, g := range d.State.Logs[name] {
			m := monitored{strings.TrimSuffix(g.Log.URL, "/"), g.Log.Origin}
			switch {
			case g.End != nil || g.Compromised != nil:
			case d.Plan.Logs[name].Kind == plan.RekorV2 && !slices.Contains(c.RekorLogs, m):
				c.RekorLogs = append(c.RekorLogs, m)
			case d.Plan.Logs[name].Kind == plan.StaticCT && !slices.Contains(c.CTLogs, m):
				c.CTLogs = append(c.CTLogs, m)
			}
		}
	}
	return nil
}
