package store

import (
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/linnemanlabs/trustroot/pki/tuf/objects"
)

// fakeS3 answers what the package asks of S3: GET, PUT with If-None-Match, and
// a listing.
type fakeS3 struct {
	mu      sync.Mutex
	objects map[string][]byte
	headers map[string]http.Header
}

func (f *fakeS3) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := strings.TrimPrefix(r.URL.Path, "/bucket/")
	data, there := f.objects[key]
	refuse := func(status int, code string) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "<Error><Code>"+code+"</Code></Error>")
	}
	switch {
	case r.URL.Query().Has("list-type"):
		type object struct {
			Key, LastModified, ETag string
			Size                    int
		}
		out := struct {
			XMLName  xml.Name `xml:"ListBucketResult"`
			Contents []object
		}{}
		for name, data := range f.objects {
			if strings.HasPrefix(name, r.URL.Query().Get("prefix")) {
				out.Contents = append(out.Contents, object{name, "2026-03-01T12:00:00Z", `"0123456789abcdef0123456789abcdef"`, len(data)})
			}
		}
		_ = xml.NewEncoder(w).Encode(out)
	case r.Method == http.MethodPut && there && r.Header.Get("If-None-Match") == "*":
		refuse(http.StatusPreconditionFailed, "PreconditionFailed")
	case r.Method == http.MethodPut:
		body, err := io.ReadAll(r.Body)
		if err != nil {
			refuse(http.StatusInternalServerError, "InternalError")
			return
		}
		f.objects[key], f.headers[key] = body, r.Header.Clone()
		w.Header().Set("ETag", `"x"`)
	case !there:
		refuse(http.StatusNotFound, "NoSuchKey")
	default:
		w.Header().Set("Last-Modified", "Sun, 01 Mar 2026 12:00:00 GMT")
		_, _ = w.Write(data)
	}
}

func TestS3_ConditionalWritesAndHeaders(t *testing.T) {
	fake := &fakeS3{objects: map[string][]byte{}, headers: map[string]http.Header{}}
	server := httptest.NewServer(fake)
	defer server.Close()
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL_S3": server.URL, "AWS_REGION": "eu-central-1", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
	} {
		t.Setenv(name, value)
	}
	st, err := Open(t.Context(), "s3://bucket/tuf?use_path_style=true")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	}()
	ctx := t.Context()
	if _, err := st.Read(ctx, "1.root.json", 10); !errors.Is(err, objects.ErrNotFound) {
		t.Errorf("missing: %v", err)
	}
	for _, name := range []string{"1.timestamp.json", "targets/ab.x"} {
		if err := st.WriteNew(ctx, name, []byte("one")); err != nil {
			t.Fatal(err)
		}
		if err := st.WriteNew(ctx, name, []byte("two")); !errors.Is(err, objects.ErrExists) {
			t.Errorf("written twice: %v", err)
		}
	}
	if err := st.Replace(ctx, "timestamp.json", []byte("three")); err != nil {
		t.Fatal(err)
	}
	if string(fake.objects["tuf/1.timestamp.json"]) != "one" || string(fake.objects["tuf/timestamp.json"]) != "three" {
		t.Errorf("objects: %q", fake.objects)
	}
	if got := fake.headers["tuf/timestamp.json"]; got.Get("Cache-Control") != "no-cache" || got.Get("Content-Type") != "application/json" {
		t.Errorf("headers of timestamp.json: %v", got)
	}
	if got := fake.headers["tuf/targets/ab.x"].Get("Cache-Control"); got != cacheForEver {
		t.Errorf("headers of a target: %s", got)
	}
	list, err := st.List(ctx, "targets/")
	if err != nil || len(list) != 1 || list[0].Name != "targets/ab.x" || list[0].Size != 3 || len(list[0].MD5) != 16 {
		t.Errorf("listing: %+v, %v", list, err)
	}
	if data, err := st.Read(ctx, "targets/ab.x", 3); err != nil || string(data) != "one" {
		t.Errorf("read %q, %v", data, err)
	}
}
