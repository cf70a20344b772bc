//go:build unix

package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/pki/tuf/objects"
)

func TestDirectory_IsServedWhateverTheUmask(t *testing.T) {
	for _, mask := range []int{0, 0o077, 0o027} {
		old := syscall.Umask(mask)
		dir := filepath.Join(t.TempDir(), "tuf")
		st, err := Open(t.Context(), dir)
		if err == nil {
			err = errors.Join(st.WriteNew(t.Context(), "targets/apps/web/ab.key", []byte("x")), st.Replace(t.Context(), "timestamp.json", []byte("x")))
		}
		syscall.Umask(old)
		if err != nil {
			t.Fatal(err)
		}
		err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := e.Info()
			if want := map[bool]fs.FileMode{true: 0o755, false: 0o644}[e.IsDir()]; err == nil && info.Mode().Perm() != want {
				t.Errorf("umask %03o: %s has mode %s", mask, path, info.Mode())
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}

func TestDirectory_LeftoversAreNoObjectsAndGo(t *testing.T) {
	dir := t.TempDir()
	st := must(Open(t.Context(), dir))(t)
	for _, name := range []string{".timestamp.json.tmp-abcdefghij", "targets/.ab.x.tmp-abcdefghij", "targets/ab.x.0123abcd.tmp", "targets/ab.x"} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, nil, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	release := must(st.Lock(t.Context()))(t)
	if err := release(); err != nil {
		t.Fatal(err)
	}
	if list, err := st.List(t.Context(), ""); err != nil || len(list) != 1 || list[0].Name != "targets/ab.x" {
		t.Errorf("left: %+v, %v", list, err)
	}
	if found, _ := filepath.Glob(filepath.Join(dir, "targets", ".*")); len(found) > 0 {
		t.Errorf("left: %v", found)
	}
}

func TestDirectory_ReadsRegularFilesOnly(t *testing.T) {
	dir := t.TempDir()
	st := must(Open(t.Context(), dir))(t)
	if err := syscall.Mkfifo(filepath.Join(dir, "timestamp.json"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := st.Read(t.Context(), "timestamp.json", 10); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("read a FIFO: %v", err)
	}
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// bad opens a bucket of a server of a test's own.
func bad(t *testing.T, answer http.HandlerFunc) *bucket {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL_S3": server.URL, "AWS_REGION": "eu-central-1", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
	} {
		t.Setenv(name, value)
	}
	b := must(Open(t.Context(), "s3://bucket?use_path_style=true"))(t).(*bucket)
	b.patience = 300 * time.Millisecond
	return b
}

func TestS3_AServerThatHangsDripsOrListsForEver(t *testing.T) {
	end := make(chan struct{})
	t.Cleanup(func() { close(end) })
	for name, answer := range map[string]http.HandlerFunc{
		"hangs": func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			select {
			case <-end:
			case <-r.Context().Done():
			}
		},
		"drips": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Length", "1000")
			w.Header().Set("Last-Modified", "Sun, 01 Mar 2026 12:00:00 GMT")
			for r.Context().Err() == nil {
				_, _ = w.Write([]byte("x"))
				_ = http.NewResponseController(w).Flush()
				time.Sleep(50 * time.Millisecond)
			}
		},
		"lists for ever": func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>x</NextContinuationToken><Contents><Key>targets/ab.x</Key><LastModified>2026-03-01T12:00:00Z</LastModified><Size>1</Size></Contents></ListBucketResult>`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := bad(t, answer)
			began := time.Now()
			_, errList := b.List(t.Context(), "targets/")
			errs := []error{errList}
			if name != "lists for ever" {
				_, err := b.Read(t.Context(), "timestamp.json", 5000)
				errs = append(errs, err)
			}
			if name == "hangs" {
				errs = append(errs, b.Replace(t.Context(), "timestamp.json", []byte("x")))
			}
			for i, err := range errs {
				if !errors.Is(err, objects.ErrUnreachable) {
					t.Errorf("call %d: %v", i, err)
				}
			}
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("it took %s", took)
			}
			if err := b.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestS3_ARequestIDWith301 answers with request IDs that hold the number by
// which gocloud knows a bucket that has moved.
func TestS3_ARequestIDWith301(t *testing.T) {
	for code, want := range map[string]struct {
		status int
		err    error
	}{"PreconditionFailed": {412, objects.ErrExists}, "AccessDenied": {403, objects.ErrUnreachable}, "PermanentRedirect": {301, objects.ErrUnreachable}, "NoSuchKey": {404, objects.ErrNotFound}} {
		b := bad(t, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("X-Amz-Id-2", "SM13y301/luo=")
			w.WriteHeader(want.status)
			fmt.Fprintf(w, "<Error><Code>%s</Code></Error>", code)
		})
		err := b.WriteNew(t.Context(), "1.root.json", []byte("x"))
		if !errors.Is(err, want.err) || !errors.Is(want.err, objects.ErrNotFound) && errors.Is(err, objects.ErrNotFound) {
			t.Errorf("%s: %v", code, err)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
}
