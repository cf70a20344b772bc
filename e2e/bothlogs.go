package main

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
)

// adoptedHosts are the hosts of the published files, by service.
var adoptedHosts = map[string]string{
	"fulcio": "fulcio.trust.linnemanlabs.com", "tsa": "tsa.trust.linnemanlabs.com", "rekor": "rekor.trust.linnemanlabs.com",
	"tesseract": "tesseract.trust.linnemanlabs.com", "tuf": "tuf.trust.linnemanlabs.com", "login": "login.trust.linnemanlabs.com",
}

// adopted is what an adopted instance's log is kept in, and begins the names of
// its services.
const adopted = "adopted"

// adoptAndSign goes the first user's way from published files: adopted, renewed
// at the root's token, published by TUF, and signed with, into our own log and
// that of the instance that the rehearsal made.
func (w *world) adoptAndSign(ctx context.Context, s *suite) error {
	corpus := os.Getenv("TRUSTROOT_CORPUS")
	if corpus == "" {
		s.step("TRUSTROOT_CORPUS names no folder of published files: nothing is adopted")
		return nil
	}
	s.step("a trust directory adopted from published files")
	var a *adoption
	if err := s.inTurn(ctx,
		check{"published files are adopted at a terminal, with a token made like their maker's", func(ctx context.Context) (err error) {
			a, err = w.adopt(ctx, filepath.Join(corpus, "data", "linnemanlabs"))
			return err
		}},
		check{"every service gets a key in KMS, certified at that token", func(ctx context.Context) error { return a.renew(ctx) }},
		check{"the repository is published", func(ctx context.Context) error { return a.distribute(ctx) }},
		check{"go-spiffe takes an SVID under the SPIRE CA by the rendered bundle, and none without the chain or of another domain", func(ctx context.Context) error { return a.spire(ctx) }},
		check{"its services start as rendered, beside the other instance's log", func(ctx context.Context) error { return a.run(ctx) }},
	); err != nil {
		return err
	}
	home := w.path("home-adopted")
	var b signed
	if err := s.inTurn(ctx,
		check{"cosign initialize follows the repository of the adopted instance", func(ctx context.Context) error {
			_, err := w.command(ctx, []string{"HOME=" + home}, w.cosign, "initialize", "--mirror", "https://"+adoptedHosts["tuf"], "--root", filepath.Join(a.trust(), "tuf", "1.root.json"))
			return err
		}},
		check{"cosign signs into both logs with nothing but that repository", func(ctx context.Context) (err error) {
			const person = "person@example.com"
			b, err = w.signKeyless(ctx, "both-logs", "person", home, w.issuers[adoptedHosts["login"]], person, map[string]any{"sub": "1", "email": person, "email_verified": true})
			if err != nil {
				return err
			}
			return a.inBoth(b)
		}},
	); err != nil {
		return err
	}
	s.check(ctx, "cosign verifies it with nothing but that repository", func(ctx context.Context) error { return w.cosignMirror(ctx, home, b) })
	s.check(ctx, "cosign refuses another artifact", func(ctx context.Context) error {
		other, err := b.other()
		return errors.Join(err, refused(w.cosignMirror(ctx, home, other), "signature"))
	})
	s.check(ctx, "trusted-root check finds that the bundle verifies, and what it needs", func(ctx context.Context) error {
		_, err := a.trustroot(ctx, "trusted-root", "check", "--bundle", b.bundle)
		return err
	})
	return s.must(ctx, "the other instance's services start again", func(ctx context.Context) error { return a.stop(ctx) })
}

// run starts the adopted instance's services. Two timestamp servers or two
// Fulcios cannot run on one machine: their metrics and sockets have one place.
func (a *adoption) run(ctx context.Context) error {
	w := a.w
	login, err := newIssuer("https://" + adoptedHosts["login"])
	if err != nil {
		return err
	}
	w.issuers[adoptedHosts["login"]] = login
	w.proxy.set(adoptedHosts["login"], login)
	w.proxy.set(adoptedHosts["tuf"], http.FileServer(http.Dir(filepath.Join(a.trust(), "tuf"))))
	for _, name := range []string{"tsa", "fulcio"} {
		w.live[name].stop()
	}
	for _, name := range []string{"tesseract", "rekor", "tsa", "fulcio"} {
		folder := filepath.Join(a.dir, "services-"+name)
		data, err := a.trustroot(ctx, "--json", "services", "render", "--out", folder, name)
		if err != nil {
			return err
		}
		var list []service
		if err := json.Unmarshal(data, &list); err != nil || len(list) != 1 {
			return fmt.Errorf("rendered are %s: %w", data, err)
		}
		r := list[0]
		if r.Generation != 3 {
			return fmt.Errorf("%s is rendered for generation %d", name, r.Generation)
		}
		r.folder, r.store, r.Name = filepath.Join(folder, name), adopted, adopted+"-"+name
		hosts[r.Name] = adoptedHosts[name]
		if err := w.launch(ctx, r); err != nil {
			return err
		}
	}
	checkpoint := w.path("s3", adopted, "checkpoint")
	return w.live[adopted+"-rekor"].until(ctx, func(context.Context) error {
		_, err := os.Stat(checkpoint)
		return err
	})
}

// stop ends them, and starts those of the other instance again.
func (a *adoption) stop(ctx context.Context) error {
	for _, name := range []string{"tesseract", "rekor", "tsa", "fulcio"} {
		a.w.live[adopted+"-"+name].stop()
		delete(a.w.live, adopted+"-"+name)
	}
	for _, name := range []string{"tsa", "fulcio"} {
		rendered, err := a.w.render(ctx, "services-again-"+name, name)
		if err != nil {
			return err
		}
		if err := a.w.launch(ctx, rendered[name]); err != nil {
			return err
		}
	}
	return nil
}

// inBoth wants an entry of our own log and one of the other instance's.
func (a *adoption) inBoth(b signed) error {
	var bundle struct {
		VerificationMaterial struct {
			TlogEntries []struct {
				LogID struct {
					KeyID string `json:"keyId"`
				} `json:"logId"`
			} `json:"tlogEntries"`
		} `json:"verificationMaterial"`
	}
	if err := readJSON(b.bundle, &bundle); err != nil {
		return err
	}
	var got, want []string
	for _, e := range bundle.VerificationMaterial.TlogEntries {
		got = append(got, e.LogID.KeyID)
	}
	for dir, generation := range map[string]int{a.trust(): 3, a.w.trust: 1} {
		var key struct {
			SPKI string `json:"spki_sha256"` // a log ID is that (RFC 6962 3.2)
		}
		if err := readJSON(filepath.Join(dir, "logs", "rekor", fmt.Sprintf("g%d", generation), "key.json"), &key); err != nil {
			return err
		}
		id, err := hex.DecodeString(key.SPKI)
		if err != nil {
			return err
		}
		want = append(want, base64.StdEncoding.EncodeToString(id))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		return fmt.Errorf("the bundle has entries of the logs %v, want %v", got, want)
	}
	return nil
}
