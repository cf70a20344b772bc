//go:build conformance

package tuf

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata/config"
	"github.com/theupdateframework/go-tuf/v2/metadata/updater"

	"github.com/linnemanlabs/trustroot/internal/testpki"
	"github.com/linnemanlabs/trustroot/pki/tuf/objects"
	"github.com/linnemanlabs/trustroot/pki/tuf/store"
)

// scripts/tuf-conformance sets these.
const (
	envRehearsal = "TRUSTROOT_REHEARSAL" // a rehearsal's folder
	envCosign    = "TRUSTROOT_COSIGN"
	envNode      = "TRUSTROOT_NODE"
	envNPM       = "TRUSTROOT_NPM"    // folder that holds node_modules
	envClient    = "TRUSTROOT_CLIENT" // client.mjs
	envGateway   = "TRUSTROOT_VERSITYGW"
	envPublisher = "TRUSTROOT_PUBLISHER" // folder of the world that a killed publisher works for
)

func setting(t testing.TB, name string) string {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		t.Fatalf("%s is not set: run scripts/tuf-conformance", name)
	}
	return value
}

// check prints one line.
func check(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil {
		fmt.Printf("FAIL  %s\n      %s\n", what, strings.ReplaceAll(err.Error(), "\n", "\n      "))
		t.Fail()
		return
	}
	fmt.Printf("ok    %s\n", what)
}

// output runs a program; its error holds what it said.
func output(env []string, program string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(os.Environ(), env...)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%s: %w: %s%s", filepath.Base(program), err, strings.TrimSpace(said.String()), out)
	}
	return out, err
}

// npm runs client.mjs and returns the targets' contents.
func npm(t testing.TB, client, url, root, cache string, now time.Time, targets ...string) (map[string]string, error) {
	t.Helper()
	out, err := output(nil, setting(t, envNode), append([]string{setting(t, envClient), setting(t, envNPM), client, url, root, cache, now.Format(time.RFC3339)}, targets...)...)
	if err != nil {
		return nil, err
	}
	found := map[string]string{}
	return found, json.Unmarshal(out, &found)
}

func writeFile(t testing.TB, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// serve hands a store out on loopback.
func serve(t testing.TB, st objects.Store) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, err := st.Read(r.Context(), strings.TrimPrefix(r.URL.Path, "/"), 1<<30)
		if err != nil {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(data)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// TestConformance_Clients lets four clients start from the first root alone,
// and follow a replaced holder and a changed target with their old caches.
func TestConformance_Clients(t *testing.T) {
	c := newClients(t, time.Now().UTC().Truncate(time.Second))
	c.look("first")
	c.w.keys["dave"] = testpki.Key(t, elliptic.P256())
	c.w.pol.Former = c.w.pol.Root.Holders[2:3]
	c.w.pol.Root = c.w.role(2, 197, 46, "alice", "bob", "dave")
	c.w.pol.Targets = c.w.role(2, 365, 31, "alice", "bob", "dave")
	s, err := StageRoot(t.Context(), c.w.folder(), c.st, c.w.pol, c.now, false)
	c.w.must(err)
	c.w.publish(c.w.sign(s, "alice", "bob"), c.st, c.now)
	c.look("a holder replaced")
	c.w.targets.Files["fulcio.crt.pem"] = []byte("next certificate\n")
	s, err = StageTargets(t.Context(), c.w.folder(), c.st, c.w.pol, c.w.targets, c.now, false)
	c.w.must(err)
	c.w.publish(c.w.sign(s, "bob", "dave"), c.st, c.now)
	c.look("a target changed")
}

// clients are four clients with a cache each, of one repository.
type clients struct {
	t                *testing.T
	w                *world
	st               objects.Store
	now              time.Time
	url, root, cache string
	bundle, artifact string
}

// newClients publishes for the first time at now.
func newClients(t *testing.T, now time.Time) *clients {
	t.Helper()
	c := &clients{t: t, w: newWorld(t), st: openDir(t, filepath.Join(t.TempDir(), "tuf")), now: now, cache: t.TempDir()}
	rehearsal := setting(t, envRehearsal)
	for name, path := range map[string]string{TrustedRootName: "trusted_root.json", SigningConfigName: "signing-config.json"} {
		data, err := os.ReadFile(filepath.Join(rehearsal, "trust", ".well-known", path))
		c.w.must(err)
		c.w.targets.Files[name] = data
	}
	bundles, err := filepath.Glob(filepath.Join(rehearsal, "bundles", "*", "*.sigstore.json"))
	c.w.must(err)
	if len(bundles) == 0 {
		t.Fatal("the rehearsal archived no bundle")
	}
	c.bundle, c.artifact = bundles[0], strings.TrimSuffix(bundles[0], ".sigstore.json")
	c.w.publish(c.w.sign(c.w.init(c.now), "alice", "carol"), c.st, c.now)
	c.root = writeFile(t, "root.json", c.w.root1(c.st))
	c.url = serve(t, c.st)
	return c
}

func (c *clients) look(when string) {
	want := map[string]string{}
	for _, name := range []string{TrustedRootName, "fulcio.crt.pem"} {
		want[name] = string(c.w.targets.Files[name])
	}
	names := slices.Sorted(maps.Keys(want))
	compare := func(found map[string]string, err error) error {
		if err == nil && !maps.Equal(found, want) {
			err = fmt.Errorf("found other content: %q", found)
		}
		return err
	}
	found, err := c.goTUF(names)
	check(c.t, when+": go-tuf's updater", compare(found, err))
	check(c.t, when+": cosign initialize", c.cosignInitialize())
	check(c.t, when+": cosign verify-blob with what it fetched", c.cosignVerify())
	for _, client := range []string{"sigstore", "tuf-js"} {
		found, err := npm(c.t, client, c.url, c.root, filepath.Join(c.cache, client), c.now, names...)
		check(c.t, when+": npm's "+map[string]string{"sigstore": "@sigstore/tuf", "tuf-js": "tuf-js"}[client], compare(found, err))
	}
}

// goTUF is go-tuf's updater with its own fetcher and cache.
func (c *clients) goTUF(names []string) (map[string]string, error) {
	root, err := os.ReadFile(c.root)
	c.w.must(err)
	cfg, err := config.New(c.url, root)
	if err != nil {
		return nil, err
	}
	cfg.LocalMetadataDir = filepath.Join(c.cache, "go-tuf")
	cfg.LocalTargetsDir = filepath.Join(c.cache, "go-tuf", "targets")
	cfg.RemoteTargetsURL = c.url + "/targets"
	c.w.must(os.MkdirAll(cfg.LocalTargetsDir, 0o700))
	up, err := updater.New(cfg)
	if err != nil {
		return nil, err
	}
	if err := up.Refresh(); err != nil {
		return nil, err
	}
	found := map[string]string{}
	for _, name := range names {
		info, err := up.GetTargetInfo(name)
		if err != nil {
			return nil, err
		}
		_, data, err := up.DownloadTarget(info, "", "")
		if err != nil {
			return nil, err
		}
		found[name] = string(data)
	}
	return found, nil
}

func (c *clients) cosignEnv() []string { return []string{"HOME=" + filepath.Join(c.cache, "cosign")} }

// cosignInitialize also looks for the newest root in cosign's cache.
func (c *clients) cosignInitialize() error {
	c.w.must(os.MkdirAll(filepath.Join(c.cache, "cosign"), 0o700))
	if _, err := output(c.cosignEnv(), setting(c.t, envCosign), "initialize", "--mirror", c.url, "--root", c.root); err != nil {
		return err
	}
	published, err := load(c.t.Context(), c.st)
	c.w.must(err)
	err = filepath.WalkDir(filepath.Join(c.cache, "cosign"), func(path string, _ os.DirEntry, err error) error {
		if filepath.Base(path) != "root.json" || err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		if err == nil && bytes.Equal(data, published.root().raw) {
			return errFound
		}
		return err
	})
	if errors.Is(err, errFound) {
		return nil
	}
	return errors.Join(err, errors.New("cosign does not keep the newest root"))
}

var errFound = errors.New("found")

func (c *clients) cosignVerify() error {
	_, err := output(c.cosignEnv(), setting(c.t, envCosign), "verify-blob", "--bundle", c.bundle, "--use-signed-timestamps",
		"--certificate-identity", "https://ci.rehearsal.invalid/build", "--certificate-oidc-issuer", "https://login.rehearsal.invalid", c.artifact)
	return err
}

// init lets tuf-js judge every attack of the tests beside this file.
func init() {
	alsoRejects = func(a *attacked, now time.Time, ours error) {
		t := a.t.(*testing.T)
		if a.other == "" || a.cache == "" {
			a.other = t.TempDir() // a client that starts anew
		}
		url := a.url
		if url == "" {
			url = serve(t, a.st)
		}
		_, err := npm(t, "tuf-js", url, writeFile(t, "root.json", a.root1), a.other, now, TrustedRootName, "fulcio.crt.pem")
		name := strings.TrimPrefix(t.Name(), "TestAttack_")
		switch {
		case ours == nil:
			if err != nil {
				check(t, name+": tuf-js takes the honest repository", err)
			}
		case err != nil:
			fmt.Printf("ok    %-44s trustroot: rejected   tuf-js: rejected: %.90s\n", name, lastLine(err))
		case slices.Contains(beyondClients, strings.SplitN(name, "/", 2)[0]):
			fmt.Printf("ok    %-44s trustroot: rejected   tuf-js: does not look at this\n", name)
		default:
			check(t, name, fmt.Errorf("tuf-js accepts it"))
		}
	}
}

// beyondClients are the attacks that only our check is after: a wrong key that
// no signature needs yet.
var beyondClients = []string{"WrongKeyType"}

func lastLine(err error) string {
	lines := strings.Split(strings.TrimSpace(err.Error()), "\n")
	if _, text, ok := strings.Cut(lines[len(lines)-1], "exit status 1: "); ok {
		return text
	}
	return lines[len(lines)-1]
}

// TestConformance_KilledAtEveryObject publishes to an S3 server that others
// wrote, with a publisher that is killed after each object in turn.
func TestConformance_KilledAtEveryObject(t *testing.T) {
	place := gateway(t)
	w := newWorld(t)
	now := time.Now().UTC().Truncate(time.Second)
	for i := range 3 {
		w.targets.Files[fmt.Sprintf("keys/%d.pem", i)] = fmt.Appendf(nil, "key %d\n", i)
	}
	st, err := store.Open(t.Context(), place)
	w.must(err)
	defer func() { w.must(st.Close()) }()
	killed(t, w, w.sign(w.init(now), "alice", "bob"), place, "the first publication", now, nil, map[string]int64{"root": 1, "targets": 1})

	root1 := w.root1(st)
	w.keys["dave"] = testpki.Key(t, elliptic.P256())
	w.pol.Former = w.pol.Root.Holders[2:3]
	w.pol.Root = w.role(2, 197, 46, "alice", "bob", "dave")
	w.pol.Targets = w.role(2, 365, 31, "bob", "dave")
	s, err := StageRoot(t.Context(), w.folder(), st, w.pol, now, false)
	w.must(err)
	killed(t, w, w.sign(s, "alice", "bob", "dave"), place, "a root rotation that takes targets along", now, root1, map[string]int64{"root": 2, "targets": 2})

	for i := range 3 {
		w.targets.Files[fmt.Sprintf("keys/%d.pem", i)] = fmt.Appendf(nil, "next key %d\n", i)
	}
	killed(t, w, w.sign(w.stageTargets(st, now), "bob", "dave"), place, "a change of targets", now, root1, map[string]int64{"root": 2, "targets": 3})
}

// gateway starts versitygw over a folder and returns the place in its bucket.
func gateway(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "bucket"), 0o755); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(setting(t, envGateway), "--access", "conformance", "--secret", "conformance-secret", "--port", address, "posix", dir)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL_S3": "http://" + address, "AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_ACCESS_KEY_ID": "conformance", "AWS_SECRET_ACCESS_KEY": "conformance-secret",
	} {
		t.Setenv(name, value)
	}
	for range 100 {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			if err := conn.Close(); err != nil {
				t.Fatal(err)
			}
			return "s3://bucket/tuf?use_path_style=true"
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("versitygw does not answer: %s", said.String())
	return ""
}

// killed publishes with a publisher that dies after one object, as often as it
// takes, and looks with a client each time.
func killed(t *testing.T, w *world, s *Staged, place, what string, now time.Time, root1 []byte, want map[string]int64) {
	t.Helper()
	dir := w.save(s, now)
	deaths, before := 0, versionsAt(t, place, root1, now)
	var last map[string]int64
	for ; deaths < 100; deaths++ {
		cmd := exec.Command(os.Args[0], "-test.run=^TestConformance_Publisher$")
		cmd.Env = append(os.Environ(), envPublisher+"="+dir, "TRUSTROOT_PLACE="+place)
		text, err := cmd.CombinedOutput()
		if err != nil && !strings.Contains(err.Error(), "killed") {
			check(t, what, fmt.Errorf("the publisher failed after %d deaths: %w\n%s", deaths, err, text))
			return
		}
		seen := versionsAt(t, place, root1, now)
		if seen["broken"] != 0 {
			check(t, what, fmt.Errorf("after %d deaths a client refuses the repository", deaths+1))
			return
		}
		// root comes first and may be new alone; the rest is old or new
		if seen["targets"] != before["targets"] && seen["targets"] != want["targets"] {
			check(t, what, fmt.Errorf("after %d deaths a client sees %v", deaths+1, seen))
			return
		}
		last = seen
		if err == nil {
			break
		}
	}
	var err error
	if deaths < 3 || !maps.Equal(last, want) {
		err = fmt.Errorf("after %d deaths a client sees %v, not %v", deaths, last, want)
	}
	check(t, fmt.Sprintf("versitygw: %s, killed after each of %d objects, old or new each time, complete at the end", what, deaths), err)
}

// versionsAt is what go-tuf's updater and our checks see: nothing before the
// first publication ended, and else the versions of root and targets.
func versionsAt(t *testing.T, place string, root1 []byte, now time.Time) map[string]int64 {
	t.Helper()
	st, err := store.OpenExisting(t.Context(), place)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	}()
	if root1 == nil { // a first publication is there once timestamp.json is
		if _, err := st.Read(t.Context(), "timestamp.json", maxRoot); err != nil {
			return map[string]int64{}
		}
		if root1, err = st.Read(t.Context(), "1.root.json", maxRoot); err != nil {
			return map[string]int64{"broken": 1}
		}
	}
	r, err := verifyStore(t.Context(), st, root1, now)
	if err != nil {
		t.Log(err)
		return map[string]int64{"broken": 1}
	}
	out := map[string]int64{}
	for _, role := range r.Roles {
		if role.Role == "root" || role.Role == "targets" {
			out[role.Role] = role.Version.Version
		}
	}
	return out
}

// save writes what a publisher in another process needs.
func (w *world) save(s *Staged, now time.Time) string {
	w.t.Helper()
	dir := w.t.TempDir()
	w.must(os.CopyFS(filepath.Join(dir, "staged"), os.DirFS(s.Dir())))
	for name, key := range w.keys {
		w.saveKey(dir, name, key)
	}
	w.saveKey(dir, "online", w.online)
	w.must(os.WriteFile(filepath.Join(dir, "now"), []byte(now.Format(time.RFC3339)), 0o600))
	for name, r := range map[string]RolePolicy{"root": w.pol.Root, "targets": w.pol.Targets} {
		var holders []string
		for _, h := range r.Holders {
			holders = append(holders, h.Name)
		}
		text := fmt.Sprintf("%d %d %d %s", r.Threshold, r.Expiry, r.Resign, strings.Join(holders, " "))
		w.must(os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	return dir
}

func (w *world) saveKey(dir, name string, key *ecdsa.PrivateKey) {
	w.t.Helper()
	der, err := x509.MarshalECPrivateKey(key)
	w.must(err)
	w.must(os.WriteFile(filepath.Join(dir, name+".key"), der, 0o600))
}

// TestConformance_Publisher is the publisher that kills itself; alone it has
// nothing to publish.
func TestConformance_Publisher(t *testing.T) {
	dir := os.Getenv(envPublisher)
	if dir == "" {
		return
	}
	w, s, now := saved(t, dir)
	st, err := store.Open(t.Context(), os.Getenv("TRUSTROOT_PLACE"))
	w.must(err)
	w.publish(s, &deadly{Store: st}, now)
}

// saved opens what save wrote.
func saved(t *testing.T, dir string) (*world, *Staged, time.Time) {
	t.Helper()
	w := newWorld(t)
	keys, err := filepath.Glob(filepath.Join(dir, "*.key"))
	w.must(err)
	for _, path := range keys {
		der, err := os.ReadFile(path)
		w.must(err)
		key, err := x509.ParseECPrivateKey(der)
		w.must(err)
		w.keys[strings.TrimSuffix(filepath.Base(path), ".key")] = key
	}
	w.online = w.keys["online"]
	w.pol.Online = w.online.Public()
	for name, role := range map[string]*RolePolicy{"root": &w.pol.Root, "targets": &w.pol.Targets} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		w.must(err)
		fields := strings.Fields(string(text))
		var numbers [3]int
		for i := range numbers {
			numbers[i], err = strconv.Atoi(fields[i])
			w.must(err)
		}
		*role = w.role(numbers[0], numbers[1], numbers[2], fields[3:]...)
	}
	text, err := os.ReadFile(filepath.Join(dir, "now"))
	w.must(err)
	now, err := time.Parse(time.RFC3339, string(text))
	w.must(err)
	s, err := OpenStaged(filepath.Join(dir, "staged"))
	w.must(err)
	return w, s, now
}

// deadly kills its process once an object was written, before any other is.
type deadly struct {
	objects.Store
	mu sync.Mutex
}

func (d *deadly) write(how func() error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := how(); err != nil {
		return err
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGKILL); err != nil {
		return err
	}
	select {}
}

func (d *deadly) WriteNew(ctx context.Context, name string, data []byte) error {
	return d.write(func() error { return d.Store.WriteNew(ctx, name, data) })
}

func (d *deadly) Replace(ctx context.Context, name string, data []byte) error {
	return d.write(func() error { return d.Store.Replace(ctx, name, data) })
}
