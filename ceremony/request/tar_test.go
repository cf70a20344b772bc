package request

import (
	"archive/tar"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/courier"
)

// tarWith packs a request's files and lets edit add entries before or after.
func tarWith(t *testing.T, r *Request, before, after func(w *tar.Writer)) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if before != nil {
		before(w)
	}
	for _, name := range courier.Names(r.Files) {
		entry(t, w, tar.Header{Name: r.Name() + "/" + name}, r.Files[name])
	}
	if after != nil {
		after(w)
	}
	must(t, w.Close())
	return put(t, b.Bytes())
}

func entry(t *testing.T, w *tar.Writer, h tar.Header, data []byte) {
	t.Helper()
	if h.Typeflag == 0 {
		h.Typeflag = tar.TypeReg
	}
	h.Size, h.Mode, h.ModTime = int64(len(data)), 0o644, created
	must(t, w.WriteHeader(&h))
	_, err := w.Write(data)
	must(t, err)
}

// put writes the bytes of a tar.
func put(t *testing.T, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "0001-founding.tar")
	must(t, os.WriteFile(path, data, 0o644))
	return path
}

func TestOpen_TarKinds(t *testing.T) {
	r := create(t, newWorld(t).founding())
	top := r.Name() + "/"
	for what, h := range map[string]tar.Header{
		"a symbolic link": {Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"},
		"a hard link":     {Typeflag: tar.TypeLink, Linkname: top + PlanFile},
		"a folder":        {Typeflag: tar.TypeDir},
		"a pipe":          {Typeflag: tar.TypeFifo},
		"a device":        {Typeflag: tar.TypeChar, Devmajor: 1, Devminor: 3},
	} {
		h.Name = top + "authorities/fulcio/g1/x"
		path := tarWith(t, r, nil, func(w *tar.Writer) { entry(t, w, h, nil) })
		openRefused(t, path, h.Name, what)
	}
}

func TestOpen_TarNames(t *testing.T) {
	r := create(t, newWorld(t).founding())
	top := r.Name() + "/"
	for _, name := range []string{
		"../" + PlanFile, top + "../" + PlanFile, top + "../../etc/passwd", "/etc/passwd", "/" + top + "x",
		top + "a/../x", top + "./x", "x", top + "a//x", top + ".x", top + "a/b/c/d/e", "other/x", top + "a\x1bb",
	} {
		openRefused(t, tarWith(t, r, nil, func(w *tar.Writer) { entry(t, w, tar.Header{Name: name}, []byte("x")) }), courier.Quote(name))
		openRefused(t, tarWith(t, r, func(w *tar.Writer) { entry(t, w, tar.Header{Name: name}, []byte("x")) }, nil), "")
	}
}

func TestOpen_TarDuplicate(t *testing.T) {
	r := create(t, newWorld(t).founding())
	path := tarWith(t, r, nil, func(w *tar.Writer) { entry(t, w, tar.Header{Name: r.Name() + "/" + PlanFile}, r.PlanBytes) })
	openRefused(t, path, PlanFile, "twice")
}

func TestOpen_TarExtraAndMissing(t *testing.T) {
	r := create(t, newWorld(t).founding())
	path := tarWith(t, r, nil, func(w *tar.Writer) { entry(t, w, tar.Header{Name: r.Name() + "/extra"}, []byte("x")) })
	openRefused(t, path, "extra: an extra file")
	for name := range r.Files {
		packed, err := courier.Pack(r.Name(), r.Manifest.Created, without(r.Files, name))
		must(t, err)
		openRefused(t, put(t, packed), name, "missing")
	}
}

func TestOpen_TarAroundTheFiles(t *testing.T) {
	r := create(t, newWorld(t).founding())
	packed, err := os.ReadFile(r.Path + ".tar")
	must(t, err)
	other, err := courier.Pack(r.Name(), r.Manifest.Created.Add(time.Second), r.Files)
	must(t, err)
	openRefused(t, put(t, other), "differs at byte")
	renamed, err := courier.Pack("0002-founding", r.Manifest.Created, r.Files)
	must(t, err)
	openRefused(t, put(t, renamed), "0002-founding")
	openRefused(t, put(t, append(bytes.Clone(packed), "behind the end"...)), "differs at byte")
	openRefused(t, put(t, packed[:len(packed)-512]), "differs at byte")
	openRefused(t, put(t, nil), "missing")
	openRefused(t, put(t, []byte(strings.Repeat("no tar ", 200))), "not a tar")
}

func TestOpen_TarAnyByteChanged(t *testing.T) {
	r := create(t, newWorld(t).founding())
	packed, err := os.ReadFile(r.Path + ".tar")
	must(t, err)
	n := 0
	// 29 shares nothing with the 512 bytes of a block: over the blocks of
	// the tar every field is met
	for i := 0; i < len(packed); i += 29 {
		packed[i] ^= 0x01
		if _, err := openTar(packed); err == nil {
			t.Fatalf("byte %d changed: opened", i)
		}
		packed[i] ^= 0x01
		n++
	}
	if _, err := openTar(packed); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes changed, one at a time", n)
}

func TestOpen_TarTooMuch(t *testing.T) {
	r := create(t, newWorld(t).founding())
	t.Run("ten gigabytes of tar", func(t *testing.T) {
		path := put(t, nil)
		must(t, os.Truncate(path, 10<<30))
		openRefused(t, path, "10737418240 bytes")
	})
	t.Run("an entry of ten gigabytes", func(t *testing.T) {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		must(t, w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: r.Name() + "/" + fulcioCSR, Size: 10 << 30, Mode: 0o644}))
		openRefused(t, put(t, b.Bytes()), fulcioCSR, "10737418240 bytes")
	})
	t.Run("a sparse entry", func(t *testing.T) {
		openRefused(t, put(t, sparse(r.Name()+"/"+fulcioCSR)), fulcioCSR, "'S'")
	})
	t.Run("a hundred thousand entries", func(t *testing.T) {
		header := make([]byte, 512)
		copy(header, "0001-founding/x")
		copy(header[100:], "0000644\x000000000\x000000000\x0000000000000\x0000000000000\x00        0")
		checksum(header)
		openRefused(t, put(t, bytes.Repeat(header, 100_000)), "51200000 bytes")
		openRefused(t, put(t, bytes.Repeat(header, 60_000)), "twice")
	})
	t.Run("many small entries", func(t *testing.T) {
		path := tarWith(t, r, func(w *tar.Writer) {
			for i := range limits.Files + 1 {
				entry(t, w, tar.Header{Name: fmt.Sprintf("%s/f%d", r.Name(), i)}, nil)
			}
		}, nil)
		openRefused(t, path, "more than 1000 files")
	})
}

// sparse is a GNU tar whose one entry claims ten gigabytes of zeros.
func sparse(name string) []byte {
	h := make([]byte, 512)
	copy(h, name)
	copy(h[100:], "0000644\x000000000\x000000000\x0000000000000\x0000000000000\x00        S")
	copy(h[257:], "ustar  \x00")
	copy(h[386:], "120000000000\x0000000000000\x00") // one region of no bytes, at the end
	copy(h[483:], "120000000000\x00")
	checksum(h)
	return append(h, make([]byte, 1024)...)
}

func checksum(h []byte) {
	copy(h[148:156], "        ")
	sum := 0
	for _, b := range h {
		sum += int(b)
	}
	copy(h[148:], fmt.Sprintf("%06o\x00 ", sum))
}
