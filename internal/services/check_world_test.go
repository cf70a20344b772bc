package services

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/linnemanlabs/trustroot/internal/digest"
	"github.com/linnemanlabs/trustroot/internal/testpki"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/finding"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
	"github.com/linnemanlabs/trustroot/pki/trustedroot"
	"github.com/linnemanlabs/trustroot/pki/tuf"
	"github.com/linnemanlabs/trustroot/pki/tuf/store"
)

// site is a trust directory in memory and the services that run on it, under
// real keys, each behind a server of its own.
type site struct {
	t      testing.TB
	now    time.Time
	source *Source
	files  fstest.MapFS
	certs  map[string][]*x509.Certificate // by authority and generation
	keys   map[string][]*ecdsa.PrivateKey // by name and generation
	hosts  map[string]http.Handler        // behind the plan's URLs
	asked  Options

	fulcio *fakeFulcio
	tsa    *fakeTSA
	rekor  *fakeLog
	ct     *fakeLog

	repository string // folder of the published repository
	head       string // what a third target holds; empty for none
	holder     *ecdsa.PrivateKey
	online     *ecdsa.PrivateKey
}

func newSite(t testing.TB) *site {
	t.Helper()
	at := time.Now().UTC().Truncate(time.Second)
	w := &site{t: t, now: at, files: fstest.MapFS{}, certs: map[string][]*x509.Certificate{}, keys: map[string][]*ecdsa.PrivateKey{},
		holder: testpki.Key(t, elliptic.P256()), online: testpki.Key(t, elliptic.P256())}
	w.source = &Source{
		Plan: &plan.Plan{
			Organization: "example.com",
			Authorities: map[string]plan.Authority{
				"root":   {Profile: pki.ProfileRoot},
				"fulcio": {Profile: pki.ProfileFulcioCA, URL: "http://fulcio.example.com"},
				"tsa":    {Profile: pki.ProfileTSA, URL: "http://tsa.example.com/api/v1/timestamp"},
			},
			Logs: map[string]plan.Log{
				"rekor":     {Kind: plan.RekorV2, Origin: "rekor.example.com", URL: "http://rekor.example.com"},
				"tesseract": {Kind: plan.StaticCT, Origin: "ct.example.com/2026", URL: "http://ct.example.com/2026"},
			},
			OIDC: []plan.Provider{{Issuer: "https://login.example.com", Type: "email"}},
		},
		State: &ledger.State{Organization: "example.com", Authorities: map[string][]ledger.Generation{}, Logs: map[string][]ledger.Generation{}},
		Files: w.files, Now: at,
	}
	w.issue("root", &x509.Certificate{IsCA: true, KeyUsage: x509.KeyUsageCertSign})
	w.issue("fulcio", fulcioCA())
	w.issue("tsa", tsaLeaf(t))
	w.log("rekor", elliptic.P256())
	w.log("tesseract", elliptic.P256())
	w.fulcio = &fakeFulcio{t: t, chain: w.chain("fulcio", 1), issuers: []string{"https://login.example.com"}}
	w.tsa = &fakeTSA{t: t, chain: w.chain("tsa", 1), key: w.keys["tsa"][0], hash: crypto.SHA384}
	w.rekor = &fakeLog{t: t, kind: plan.RekorV2, origin: "rekor.example.com", key: w.keys["rekor"][0]}
	w.ct = &fakeLog{t: t, kind: plan.StaticCT, origin: "ct.example.com/2026", key: w.keys["tesseract"][0], roots: w.certs["root"]}
	w.hosts = map[string]http.Handler{"fulcio.example.com": w.fulcio, "tsa.example.com": w.tsa, "rekor.example.com": w.rekor, "ct.example.com": w.ct}
	w.asked = Options{Timeout: 5 * time.Second, Transport: w.transport()}
	w.build()
	return w
}

// transport dials the test's own servers for the plan's names, over TCP.
func (w *site) transport() http.RoundTripper {
	addresses := map[string]string{}
	for host := range w.hosts {
		server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.hosts[host].ServeHTTP(rw, r) }))
		w.t.Cleanup(server.Close)
		addresses[host+":80"] = server.Listener.Addr().String()
	}
	return &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		if strings.HasPrefix(address, "127.0.0.1:") {
			return new(net.Dialer).DialContext(ctx, network, address)
		}
		if addresses[address] == "" {
			return nil, fmt.Errorf("no such host in the test: %s", address)
		}
		return new(net.Dialer).DialContext(ctx, network, addresses[address])
	}}
}

// issue makes the next generation of an authority, under the newest root.
func (w *site) issue(name string, template *x509.Certificate) {
	w.t.Helper()
	key := testpki.Key(w.t, elliptic.P384())
	number := len(w.certs[name]) + 1
	template.SerialNumber = big.NewInt(int64(len(name)*1000 + number))
	template.Subject = pkix.Name{Organization: []string{"example.com"}, CommonName: fmt.Sprintf("%s %d", name, number)}
	template.NotBefore, template.NotAfter = w.now.Add(-2*time.Hour), w.now.AddDate(3, 0, 0)
	template.BasicConstraintsValid = true
	parent, parentKey := template, key
	if name != "root" {
		parent, parentKey = w.certs["root"][0], w.keys["root"][0]
	}
	c := testpki.Certify(w.t, template, parent, key.Public(), parentKey)
	w.certs[name], w.keys[name] = append(w.certs[name], c), append(w.keys[name], key)
	spki, err := pki.SPKISHA256(c.PublicKey)
	if err != nil {
		w.t.Fatal(err)
	}
	folder := fmt.Sprintf("authorities/%s/g%d/", name, number)
	w.source.State.Authorities[name] = append(w.source.State.Authorities[name], ledger.Generation{
		Number: number, Start: c.NotBefore.UTC(), Certificate: &ledger.Certificate{
			Authority: name, Generation: number, Profile: w.source.Plan.Authorities[name].Profile, SPKISHA256: spki, Issuer: "root",
			Serial: ledger.SerialHex(c.SerialNumber), NotBefore: c.NotBefore.UTC(), NotAfter: c.NotAfter.UTC(),
			File: w.pem(folder+"certificate.pem", c), Chain: w.pem(folder+"chain.pem", w.chain(name, number)...)}})
}

// chain is an authority's chain, leaf first.
func (w *site) chain(name string, generation int) []*x509.Certificate {
	chain := []*x509.Certificate{w.certs[name][generation-1]}
	if name != "root" {
		chain = append(chain, w.certs["root"][0])
	}
	return chain
}

func (w *site) pem(path string, certificates ...*x509.Certificate) ledger.File {
	w.t.Helper()
	data, err := pki.EncodeCertificates(certificates)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.put(path, data)
}

func (w *site) put(path string, data []byte) ledger.File {
	w.files[path] = &fstest.MapFile{Data: data}
	return ledger.File{Path: path, SHA256: digest.Hex(data)}
}

// log makes the next generation of a log's key.
func (w *site) log(name string, curve elliptic.Curve) {
	w.t.Helper()
	key := testpki.Key(w.t, curve)
	data, err := pki.EncodePublicKey(key.Public())
	if err != nil {
		w.t.Fatal(err)
	}
	id, err := pki.SPKISHA256(key.Public())
	if err != nil {
		w.t.Fatal(err)
	}
	w.keys[name] = append(w.keys[name], key)
	number, l := len(w.keys[name]), w.source.Plan.Logs[name]
	w.source.State.Logs[name] = append(w.source.State.Logs[name], ledger.Generation{Number: number, Start: w.now.Add(-2 * time.Hour), Log: &ledger.Log{
		Name: name, Generation: number, Kind: l.Kind, Origin: l.Origin, URL: l.URL, LogID: id, File: w.put(fmt.Sprintf("logs/%s/g%d/key.pem", name, number), data)}})
}

// renew gives every service a second generation in the ledger.
func (w *site) renew() {
	w.t.Helper()
	w.issue("fulcio", fulcioCA())
	w.issue("tsa", tsaLeaf(w.t))
	w.log("rekor", elliptic.P256())
	w.log("tesseract", elliptic.P256())
	w.build()
}

// cutover closes the first generation of services, an hour ago.
func (w *site) cutover(names ...string) {
	end := w.now.Add(-time.Hour)
	for _, name := range names {
		for _, all := range []map[string][]ledger.Generation{w.source.State.Authorities, w.source.State.Logs} {
			if len(all[name]) > 0 {
				all[name][0].End = &end
			}
		}
	}
	w.build()
}

// build writes what the trust directory would publish.
func (w *site) build() {
	w.t.Helper()
	data, err := trustedroot.Build(w.source.Plan, w.source.State, w.files)
	if err != nil {
		w.t.Fatal(err)
	}
	config, err := trustedroot.BuildSigningConfig(w.source.Plan, w.source.State)
	if err != nil {
		w.t.Fatal(err)
	}
	w.put(localTrustedRoot, data)
	w.put(localSigningConfig, config)
}

// publish stages, signs and publishes what build wrote, and serves it.
func (w *site) publish() {
	w.t.Helper()
	holders := []tuf.Holder{{Name: "alice", PublicKey: &w.holder.PublicKey}}
	policy := tuf.Policy{
		Root:     tuf.RolePolicy{Holders: holders, Threshold: 1, Expiry: 200, Resign: 40},
		Targets:  tuf.RolePolicy{Holders: holders, Threshold: 1, Expiry: 300, Resign: 40},
		Snapshot: tuf.OnlineRole{Expiry: 30, Resign: 10}, Timestamp: tuf.OnlineRole{Expiry: 7, Resign: 6},
		Online: w.online.Public(), AllowSingleHolder: true,
	}
	targets := tuf.Targets{Files: map[string][]byte{tuf.TrustedRootName: w.files[localTrustedRoot].Data, tuf.SigningConfigName: w.files[localSigningConfig].Data}}
	if w.head != "" {
		targets.Files["ledger-head.json"] = []byte(w.head)
	}
	first := w.repository == ""
	if first {
		w.repository = w.t.TempDir()
		server := httptest.NewServer(http.FileServer(http.Dir(w.repository)))
		w.t.Cleanup(server.Close)
		w.source.Plan.TUF = &plan.TUF{URL: server.URL}
	}
	to, err := store.Open(w.t.Context(), w.repository)
	w.must(err)
	var staged *tuf.Staged
	if folder := filepath.Join(w.t.TempDir(), "staged"); first {
		staged, err = tuf.StageInit(folder, policy, targets, w.now)
	} else {
		staged, err = tuf.StageTargets(w.t.Context(), folder, to, policy, targets, w.now, false)
	}
	w.must(err)
	described, err := staged.Describe()
	w.must(err)
	w.must(described.Sign("alice", w.holder))
	w.must(staged.Merge())
	p := &tuf.Publisher{Own: &tuf.Place{Name: "tuf/", Store: to}, Online: w.online, Policy: policy, Now: w.now}
	w.must(p.Publish(w.t.Context(), staged))
	root, err := to.Read(w.t.Context(), "1.root.json", 1<<20)
	w.must(err)
	w.put("tuf/1.root.json", root)
	w.must(to.Close())
}

func (w *site) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *site) check() *Report {
	w.t.Helper()
	report, err := w.source.Check(w.t.Context(), w.asked)
	w.must(err)
	return report
}

// agrees demands a report without anything to say but these notices.
func (w *site) agrees(notices ...string) *Report {
	w.t.Helper()
	report := w.check()
	var ids []string
	for _, f := range report.Findings {
		if f.Severity != Notice {
			w.t.Errorf("%s %s: %s", f.Severity, f.Place, f.Text)
		}
		ids = append(ids, f.ID)
	}
	slices.Sort(ids)
	slices.Sort(notices)
	if !slices.Equal(slices.Compact(ids), notices) {
		w.t.Errorf("notices %q, want %q", ids, notices)
	}
	if err := report.Err(); err != nil {
		w.t.Error(err)
	}
	return report
}

// finds demands a finding, and nothing else of its severity or worse.
func (w *site) finds(severity finding.Severity, name, id, text string) *Report {
	w.t.Helper()
	report := w.check()
	found := false
	for _, f := range report.Findings {
		switch {
		case f.Place == name && f.ID == id && f.Severity == severity && strings.Contains(f.Text, text):
			found = true
			if f.Repair == "" {
				w.t.Errorf("%s: no repair", f.ID)
			}
		case f.Severity != Notice:
			w.t.Errorf("also %s %s %s: %s", f.Severity, f.Place, f.ID, f.Text)
		}
	}
	if !found {
		w.t.Errorf("no %s %q of %s with %q in %+v", severity, id, name, text, report.Findings)
	}
	return report
}

func compromised(now time.Time) *ledger.Compromise {
	return &ledger.Compromise{Since: now.Add(-time.Hour), Reason: "key copied"}
}
