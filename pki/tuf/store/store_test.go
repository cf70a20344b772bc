package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gocloud.dev/blob/memblob"

	"github.com/linnemanlabs/trustroot/pki/tuf/objects"
)

// stores are a directory and a bucket as gocloud keeps it in memory.
func stores(t *testing.T) map[string]objects.Store {
	t.Helper()
	d, err := Open(t.Context(), filepath.Join(t.TempDir(), "new", "tuf"))
	if err != nil {
		t.Fatal(err)
	}
	b := &bucket{blobs: memblob.OpenBucket(nil), place: "s3://test"}
	t.Cleanup(func() {
		if err := errors.Join(d.Close(), b.Close()); err != nil {
			t.Error(err)
		}
	})
	return map[string]objects.Store{"directory": d, "bucket": b}
}

func TestStore_WriteReadList(t *testing.T) {
	for name, st := range stores(t) {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			if _, err := st.Read(ctx, "1.root.json", 100); !errors.Is(err, objects.ErrNotFound) {
				t.Errorf("missing object: %v", err)
			}
			if got, err := st.List(ctx, "targets/"); err != nil || len(got) != 0 {
				t.Errorf("empty listing: %v, %v", got, err)
			}
			for _, name := range []string{"1.root.json", "targets/apps/web/ab.key.pem", "targets/cd.trusted_root.json"} {
				if err := st.WriteNew(ctx, name, []byte("one")); err != nil {
					t.Fatal(err)
				}
				if err := st.WriteNew(ctx, name, []byte("two")); !errors.Is(err, objects.ErrExists) {
					t.Errorf("%s written twice: %v", name, err)
				}
			}
			for _, data := range []string{"first", "second"} {
				if err := st.Replace(ctx, "timestamp.json", []byte(data)); err != nil {
					t.Fatal(err)
				}
			}
			if got, err := st.Read(ctx, "timestamp.json", 6); err != nil || string(got) != "second" {
				t.Errorf("read %q, %v", got, err)
			}
			if _, err := st.Read(ctx, "timestamp.json", 5); !errors.Is(err, objects.ErrTooLarge) {
				t.Errorf("too large: %v", err)
			}
			got, err := st.List(ctx, "targets/")
			if err != nil || len(got) != 2 || got[0].Name != "targets/apps/web/ab.key.pem" || got[0].Size != 3 {
				t.Errorf("listing: %+v, %v", got, err)
			}
			if err := st.Flush(ctx); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestStore_NamesThatWouldNotBeKept(t *testing.T) {
	for name, st := range stores(t) {
		t.Run(name, func(t *testing.T) {
			for _, bad := range []string{"", "/etc/passwd", "../x", "a//b", "a/", "a/../b", ".lock", ".hidden", "a b", "x\n", "x.attrs", "x.tmp", "a__0x2f__b", "ü", `a\b`, strings.Repeat("x", 251)} {
				if err := st.WriteNew(t.Context(), bad, nil); err == nil {
					t.Errorf("wrote %q", bad)
				}
				if _, err := st.Read(t.Context(), bad, 1); err == nil || errors.Is(err, objects.ErrNotFound) {
					t.Errorf("read %q: %v", bad, err)
				}
			}
		})
	}
}

func TestDirectory_HoldsPlainFilesOnly(t *testing.T) {
	dir := t.TempDir()
	st, err := Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	for name, write := range map[string]func(context.Context, string, []byte) error{"targets/ab.x": st.WriteNew, "timestamp.json": st.Replace} {
		if err := write(t.Context(), name, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	var found []string
	err = filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			found = append(found, e.Name())
		}
		return err
	})
	if err != nil || strings.Join(found, " ") != "ab.x timestamp.json" {
		t.Errorf("files: %v, %v", found, err)
	}
	if err := st.Close(); err != nil {
		t.Error(err)
	}
}

func TestDirectory_LockKeepsOthersOutAndLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	var open []objects.Store
	for range 2 {
		st, err := Open(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, st)
	}
	release, err := open[0].Lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := open[1].Lock(t.Context()); !errors.Is(err, objects.ErrLocked) {
		t.Errorf("locked twice: %v", err)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	// a process that was killed leaves the file but not the lock
	if err := os.WriteFile(filepath.Join(dir, objects.LockName), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	release, err = open[1].Lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestOpen_Places(t *testing.T) {
	for _, bad := range []string{"", "https://example.org/tuf", "gs://bucket", "s3://", "s3://bucket/../x", "s3://bucket?nonsense=1"} {
		if st, err := Open(t.Context(), bad); err == nil {
			t.Errorf("opened %q as %s", bad, st)
		}
	}
	t.Setenv("AWS_REGION", "eu-central-1")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	st, err := Open(t.Context(), "s3://bucket/tuf/?use_path_style=true")
	if err != nil {
		t.Fatal(err)
	}
	if st.String() != "s3://bucket/tuf" || st.Exclusive() {
		t.Errorf("place %s", st)
	}
	if err := st.Close(); err != nil {
		t.Error(err)
	}
	if _, err := OpenExisting(t.Context(), filepath.Join(t.TempDir(), "nowhere")); err == nil {
		t.Error("opened a directory that is not there")
	}
}

func TestHeaders_ByKindOfFile(t *testing.T) {
	for name, want := range map[string][2]string{
		"timestamp.json":               {cacheNever, "application/json"},
		"3.timestamp.json":             {cacheForEver, "application/json"},
		"2.root.json":                  {cacheForEver, "application/json"},
		"targets/ab.ca.pem":            {cacheForEver, "text/plain; charset=utf-8"},
		"targets/ab.trusted_root.json": {cacheForEver, "application/json"},
		"targets/ab.blob":              {cacheForEver, "application/octet-stream"},
	} {
		if cache, kind := Headers(name); cache != want[0] || kind != want[1] {
			t.Errorf("%s: %s, %s", name, cache, kind)
		}
	}
}
