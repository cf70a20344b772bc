package gate

import (
	"crypto"
	"crypto/elliptic"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/testpki"
	"github.com/linnemanlabs/trustroot/pki/tuf"
)

// publish writes a TUF repository to the folder "tuf", with the world's trusted
// root and more files under their names.
func (s *scene) publish(expires time.Time, more ...string) {
	s.t.Helper()
	signer, err := signature.LoadSigner(testpki.Key(s.t, elliptic.P256()), crypto.SHA256)
	if err != nil {
		s.t.Fatal(err)
	}
	pub, err := signer.PublicKey()
	if err != nil {
		s.t.Fatal(err)
	}
	key, err := metadata.KeyFromPublicKey(pub)
	if err != nil {
		s.t.Fatal(err)
	}
	root := metadata.Root(time.Now().Add(24 * time.Hour))
	for _, role := range metadata.TOP_LEVEL_ROLE_NAMES {
		if err := root.Signed.AddKey(key, role); err != nil {
			s.t.Fatal(err)
		}
	}
	files := map[string][]byte{tuf.TrustedRootName: s.trustedRoot()}
	for _, name := range more {
		data, err := os.ReadFile(s.path(name))
		if err != nil {
			s.t.Fatal(err)
		}
		files["witness-policies/"+name] = data
	}
	targets := metadata.Targets(time.Now().Add(24 * time.Hour))
	for name, content := range files {
		target, err := metadata.TargetFile().FromBytes(name, content, "sha256")
		if err != nil {
			s.t.Fatal(err)
		}
		targets.Signed.Targets[name] = target
		folder, base := filepath.Split(name)
		if err := os.MkdirAll(s.path("tuf/targets/"+folder), 0o700); err != nil {
			s.t.Fatal(err)
		}
		s.write("tuf/targets/"+folder+target.Hashes["sha256"].String()+"."+base, content)
	}
	put(s, signer, "1.root.json", root)
	put(s, signer, "1.targets.json", targets)
	put(s, signer, "1.snapshot.json", metadata.Snapshot(time.Now().Add(24*time.Hour)))
	put(s, signer, "timestamp.json", metadata.Timestamp(expires))
}

func put[T metadata.Roles](s *scene, signer signature.Signer, name string, m *metadata.Metadata[T]) {
	s.t.Helper()
	if _, err := m.Sign(signer); err != nil {
		s.t.Fatal(err)
	}
	data, err := m.ToBytes(false)
	if err != nil {
		s.t.Fatal(err)
	}
	s.write(filepath.Join("tuf", name), data)
}

// trusts changes the policy's trust section.
func (s *scene) trusts(trust Trust) {
	s.t.Helper()
	p, err := ReadPolicy(s.path("policy.json"))
	if err != nil {
		s.t.Fatal(err)
	}
	p.Trust = trust
	s.policy(*p)
}

// fill makes a client's cache of the repository in the folder "cache".
func (s *scene) fill() {
	s.t.Helper()
	anchor, err := os.ReadFile(s.path("tuf/1.root.json"))
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := tuf.Fetch(s.t.Context(), s.path("tuf"), anchor, tuf.TrustedRootName, time.Now(), tuf.Cache(s.path("cache"))); err != nil {
		s.t.Fatal(err)
	}
}

func TestTrust_Repository(t *testing.T) {
	s := newScene(t)
	s.publish(time.Now().Add(time.Hour))
	s.trusts(Trust{Repository: "tuf", Root: "tuf/1.root.json"})
	if _, err := s.verify("key.json", "keyless.json"); err != nil {
		t.Fatal(err)
	}
	s.publish(time.Now().Add(-time.Hour))
	s.refused("trust")
}

func TestTrust_RepositoryOfAnotherRoot(t *testing.T) {
	s := newScene(t)
	s.publish(time.Now().Add(time.Hour))
	root, err := os.ReadFile(s.path("tuf/1.root.json"))
	if err != nil {
		t.Fatal(err)
	}
	s.publish(time.Now().Add(time.Hour))
	s.write("root.json", root)
	s.trusts(Trust{Repository: "tuf", Root: "root.json"})
	s.refused("trust")
}

func TestTrust_Cache(t *testing.T) {
	s := newScene(t)
	s.publish(time.Now().Add(time.Hour))
	s.fill()
	s.trusts(Trust{Cache: "cache"})
	before := listing(t, s.path("cache"))
	if _, err := s.verify("key.json", "keyless.json"); err != nil {
		t.Fatal(err)
	}
	if after := listing(t, s.path("cache")); after != before {
		t.Errorf("the cache was changed from\n%s to\n%s", before, after)
	}
}

func TestTrust_CacheExpired(t *testing.T) {
	s := newScene(t)
	s.publish(time.Now().Add(2 * time.Second))
	s.fill()
	s.trusts(Trust{Cache: "cache"})
	time.Sleep(2 * time.Second) // go-tuf's updater reads the clock itself
	s.refused("trust")
}

func TestTrust_CacheWithAnotherTarget(t *testing.T) {
	s := newScene(t)
	s.publish(time.Now().Add(time.Hour))
	s.fill()
	s.write("cache/targets/trusted_root.json", []byte(`{}`))
	s.trusts(Trust{Cache: "cache"})
	s.refused("trust")
}

func TestTrust_CacheTampered(t *testing.T) {
	s := newScene(t)
	s.publish(time.Now().Add(time.Hour))
	s.fill()
	data, err := os.ReadFile(s.path("cache/targets.json"))
	if err != nil {
		t.Fatal(err)
	}
	s.write("cache/targets.json", []byte(strings.Replace(string(data), `"version":1`, `"version":2`, 1)))
	s.trusts(Trust{Cache: "cache"})
	s.refused("trust")
}

func TestTrust_NothingThere(t *testing.T) {
	s := newScene(t)
	for _, trust := range []Trust{{File: "none"}, {Cache: "none"}, {Repository: "none", Root: "none"}} {
		s.trusts(trust)
		_, err := s.verify("key.json", "keyless.json")
		if fault.ExitCode(err) != int(fault.Verification) || !strings.Contains(err.Error(), "none") {
			t.Errorf("%+v: %v", trust, err)
		}
	}
}

// listing is every file of a folder with its content.
func listing(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		b.WriteString(path + " " + string(data) + "\n")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}
