package services

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/linnemanlabs/trustroot/internal/digest"
	"github.com/linnemanlabs/trustroot/pki/plan"
	"github.com/linnemanlabs/trustroot/pki/trustedroot"
)

// repository writes versions of a trusted root as a TUF repository keeps them,
// one snapshot each, signed on these days.
func repository(t *testing.T, expiry time.Duration, days []time.Time, roots ...[]byte) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	for i, data := range roots {
		name := digest.Hex(data)
		files["targets/"+name+".trusted_root.json"] = &fstest.MapFile{Data: data}
		files[fmt.Sprintf("%d.targets.json", i+1)] = &fstest.MapFile{Data: fmt.Appendf(nil,
			`{"signed":{"targets":{"trusted_root.json":{"hashes":{"sha256":%q}}}}}`, name)}
		files[fmt.Sprintf("%d.snapshot.json", i+1)] = &fstest.MapFile{Data: fmt.Appendf(nil,
			`{"signed":{"expires":%q,"meta":{"targets.json":{"version":%d}}}}`, days[i].Add(expiry).Format(time.RFC3339), i+1)}
	}
	return files
}

func TestReadVersion_TellsWhatWasPublishedWhen(t *testing.T) {
	whole, err := os.ReadFile("../gate/testdata/archive/trusted_root.json")
	if err != nil {
		t.Fatal(err)
	}
	older, err := trustedroot.Without(whole, "$.tlogs[0]")
	if err != nil {
		t.Fatal(err)
	}
	var parsed struct {
		Tlogs []struct {
			PublicKey struct {
				RawBytes string `json:"rawBytes"`
			} `json:"publicKey"`
		} `json:"tlogs"`
	}
	if err := json.Unmarshal(whole, &parsed); err != nil {
		t.Fatal(err)
	}
	key := parsed.Tlogs[0].PublicKey.RawBytes
	if _, err := base64.StdEncoding.DecodeString(key); err != nil || key == "" {
		t.Fatalf("key %q: %v", key, err)
	}
	month := 30 * 24 * time.Hour
	files := repository(t, month, []time.Time{now.Add(-month), now.Add(-2 * time.Hour)}, older, whole)
	p := &Publication{wait: 24 * time.Hour}
	for n := int64(2); n > 0; n-- {
		v, err := readVersion(files, n, 2, now, month, 100*month)
		if err != nil {
			t.Fatal(err)
		}
		p.versions = append(p.versions, v)
	}
	if !p.versions[0].published.Equal(now.Add(-2 * time.Hour)) {
		t.Errorf("published %s", p.versions[0].published)
	}
	if err := p.Fetchable(key, now); err == nil || !strings.Contains(err.Error(), "until "+now.Add(22*time.Hour).Format(time.RFC3339)) {
		t.Errorf("a key of two hours ago: %v", err)
	}
	if err := p.Fetchable(key, now.Add(22*time.Hour)); err != nil {
		t.Errorf("a day later: %v", err)
	}
}

func TestReadVersion_RefusesOtherBytes(t *testing.T) {
	files := repository(t, time.Hour, []time.Time{now}, []byte(`{}`))
	for name, f := range files {
		if strings.HasPrefix(name, "targets/") {
			f.Data = []byte(`{ }`)
		}
	}
	if _, err := readVersion(files, 1, 1, now, time.Hour); err == nil || !strings.Contains(err.Error(), "other bytes") {
		t.Error(err)
	}
}

// FuzzFulcioConfig holds that whatever provider the plan names, Fulcio's
// configuration is YAML with exactly that provider in it.
func FuzzFulcioConfig(f *testing.F) {
	f.Add("https://token.actions.githubusercontent.com")
	f.Add("http://127.0.0.1:8080/a?b=c")
	f.Fuzz(func(t *testing.T, provider string) {
		data, err := fulcioConfig([]plan.Provider{{Issuer: provider, Type: "email"}}, nil)
		if err != nil {
			return
		}
		var config struct {
			Issuers map[string]struct {
				URL string `yaml:"issuer-url"`
			} `yaml:"oidc-issuers"`
		}
		if err := yaml.Unmarshal(data, &config); err != nil {
			t.Fatalf("%v:\n%s", err, data)
		}
		if len(config.Issuers) != 1 || config.Issuers[provider].URL != provider {
			t.Fatalf("%q became %+v", provider, config)
		}
	})
}
