package tuf

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
	"github.com/theupdateframework/go-tuf/v2/metadata/config"
	"github.com/theupdateframework/go-tuf/v2/metadata/updater"
)

// 10,000 targets of 16 KiB.
const (
	manyTargets = 10_000
	targetBytes = 16 << 10
)

// many is a world with many targets, its first version merged.
func many(b *testing.B) (*world, *Staged) {
	b.Helper()
	w := newWorld(b)
	w.pol.Targets.Expiry, w.pol.Targets.Resign = 3650, 31
	for i := range manyTargets {
		content := make([]byte, targetBytes)
		copy(content, fmt.Sprintf("target %d", i))
		w.targets.Files[fmt.Sprintf("keys/key-%05d.pem", i)] = content
	}
	return w, w.sign(w.init(day0), "alice", "bob")
}

// BenchmarkPublish is the publication of 10,000 new targets to a directory, and
// next to it the bare cost: the same reads, hashes and writes with os and
// sha256, go-tuf's signing of snapshot and timestamp, and the walk that go-tuf's
// updater makes over the result.
func BenchmarkPublish(b *testing.B) {
	w, s := many(b)
	b.Run("publish", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			st := openDir(b, filepath.Join(b.TempDir(), "tuf"))
			b.StartTimer()
			w.publish(s, st, day0)
		}
	})
	b.Run("bare", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			dir := b.TempDir()
			b.StartTimer()
			barePublish(b, w, s, dir)
		}
	})
}

func barePublish(b *testing.B, w *world, s *Staged, dir string) {
	b.Helper()
	w.must(os.MkdirAll(filepath.Join(dir, "targets", "keys"), 0o755))
	for name := range w.targets.Files {
		data, err := os.ReadFile(filepath.Join(s.dir, targetsDir, name))
		w.must(err)
		sum := sha256.Sum256(data)
		f, err := os.Create(filepath.Join(dir, filepath.FromSlash(objectName(name, fmt.Sprintf("%x", sum)))))
		w.must(err)
		_, err = f.Write(data)
		w.must(err)
		w.must(f.Sync())
		w.must(f.Close())
	}
	for _, d := range s.sealed {
		w.must(os.WriteFile(filepath.Join(dir, d.fileName()), d.raw, 0o644))
	}
	snapshot := &document{role: metadata.SNAPSHOT, snapshot: metadata.Snapshot(day(30))}
	snapshot.snapshot.Signed.Meta["targets.json"] = listing(s.sealed[metadata.TARGETS])
	timestamp := &document{role: metadata.TIMESTAMP, timestamp: metadata.Timestamp(day(7))}
	for _, d := range []*document{snapshot, timestamp} {
		if d == timestamp {
			timestamp.timestamp.Signed.Meta["snapshot.json"] = listing(snapshot)
		}
		_, err := signDocument(d, w.online)
		w.must(err)
		_, err = d.encode()
		w.must(err)
		w.must(os.WriteFile(filepath.Join(dir, d.fileName()), d.raw, 0o644))
	}
	w.must(os.WriteFile(filepath.Join(dir, "timestamp.json"), timestamp.raw, 0o644))
	bareClient(b, dir, s.sealed[metadata.ROOT].raw)
}

// onDisk is a repository on the disk, for go-tuf's updater alone.
type onDisk string

func (dir onDisk) DownloadFile(address string, _ int64, _ time.Duration) ([]byte, error) {
	name := strings.TrimPrefix(address, "https://repository.invalid/")
	data, err := os.ReadFile(filepath.Join(string(dir), filepath.FromSlash(name)))
	if errors.Is(err, os.ErrNotExist) {
		return nil, &metadata.ErrDownloadHTTP{StatusCode: 404, URL: name}
	}
	return data, err
}

// bareClient is go-tuf's updater and nothing else.
func bareClient(b *testing.B, dir string, root1 []byte) *updater.Updater {
	b.Helper()
	cfg, err := config.New("https://repository.invalid/", root1)
	if err != nil {
		b.Fatal(err)
	}
	cfg.DisableLocalCache = true
	cfg.Fetcher = onDisk(dir)
	up, err := updater.New(cfg)
	if err != nil {
		b.Fatal(err)
	}
	up.UnsafeSetRefTime(day0)
	if err := up.Refresh(); err != nil {
		b.Fatal(err)
	}
	return up
}

// BenchmarkVerify is the verification of 10,000 targets in a directory, and
// next to it go-tuf's updater fetching every one.
func BenchmarkVerify(b *testing.B) {
	w, s := many(b)
	dir := filepath.Join(b.TempDir(), "tuf")
	st := openDir(b, dir)
	w.publish(s, st, day0)
	root1 := w.root1(st)
	b.Run("verify", func(b *testing.B) {
		for b.Loop() {
			if _, err := Verify(b.Context(), dir, root1, day0); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("bare", func(b *testing.B) {
		for b.Loop() {
			up := bareClient(b, dir, root1)
			for name := range w.targets.Files {
				info, err := up.GetTargetInfo(name)
				if err != nil {
					b.Fatal(err)
				}
				if _, _, err := up.DownloadTarget(info, "", ""); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}

// BenchmarkPublishAgain publishes one changed target among 10,000.
func BenchmarkPublishAgain(b *testing.B) {
	w, s := many(b)
	st := openDir(b, filepath.Join(b.TempDir(), "tuf"))
	w.publish(s, st, day0)
	n := 0
	for b.Loop() {
		b.StopTimer()
		n++
		w.targets.Files[TrustedRootName] = fmt.Appendf(nil, `{"trusted":"root %d"}`, n)
		next := w.sign(w.stageTargets(st, day0), "bob", "carol")
		b.StartTimer()
		if p := w.publish(next, st, day0); len(p.Written) != 4 {
			b.Fatalf("written: %v", p.Written)
		}
	}
}
