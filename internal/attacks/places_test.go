//go:build linux && cgo

package attacks

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/linnemanlabs/trustroot/internal/rehearsal"
)

// copyFolder copies a folder of the trust directory or of {tmp} over another.
func (w *world) copyFolder(from, to string) {
	w.Helper()
	if err := os.RemoveAll(to); err != nil {
		w.Fatal(err)
	}
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		w.Fatal(err)
	}
}

// renewed publishes targets once more into tuf/ and a live place, and keeps
// what tuf/ was before.
func renewed(w *world) {
	w.plug(tokenOf("token.json"), tokenOf("holder.json"))
	w.ok("tuf", "refresh", "--to", w.tmp+"/live")
	w.copyFolder(w.path("tuf"), w.tmp+"/before")
	w.ok("tuf", "stage", "targets", "--renew")
	w.ok("tuf", "sign", nextStaged, "--serial", fmt.Sprint(rehearsal.HolderSerial))
	w.ok("tuf", "publish", nextStaged, "--rehearsal", "--to", w.tmp+"/live")
}

// behind has the trust directory be a clone from before that renewal.
func behind(w *world) {
	renewed(w)
	w.copyFolder(w.tmp+"/before", w.path("tuf"))
}

// timestampIs wants a version of timestamp.json in the live place.
func timestampIs(version string) func(*world) {
	return func(w *world) {
		data, err := os.ReadFile(filepath.Join(w.tmp, "live", "timestamp.json"))
		if err != nil || !regexp.MustCompile(`"version":`+version+`[,}]`).Match(data) {
			w.Errorf("the live place: %v\n%s", err, data)
		}
	}
}

// sameAs wants the timestamp of tuf/ in another place, and no object there with
// other bytes than in tuf/. Of former versions a place needs roots alone.
func sameAs(place string) func(*world) {
	return func(w *world) {
		found := map[string]bool{}
		err := filepath.WalkDir(filepath.Join(w.tmp, place), func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() || strings.HasPrefix(e.Name(), ".") {
				return err
			}
			name, err := filepath.Rel(filepath.Join(w.tmp, place), path)
			if err != nil {
				return err
			}
			found[name] = true
			data, err := os.ReadFile(path)
			if err == nil && !bytes.Equal(data, w.read("tuf/"+name)) {
				err = fmt.Errorf("%s has other bytes in %s", name, place)
			}
			return err
		})
		if err != nil || !found["timestamp.json"] || !found["1.root.json"] {
			w.Errorf("%s: %v: %v", place, err, found)
		}
		w.ok("tuf", "verify", filepath.Join(w.tmp, place), "--root", w.path("tuf/1.root.json"), "--rehearsal")
	}
}

func TestPlaces_NeverLose(t *testing.T) {
	back := func(w *world) {
		w.ok("tuf", "refresh", "--to", w.tmp+"/live")
		w.edit("places.json", func(v map[string]any) { object(v, "places", w.tmp+"/live")["timestamp"] = 9 })
	}
	unreachable := func(w *world) {
		w.plug(tokenOf("token.json"), tokenOf("holder.json"))
		w.ok("tuf", "refresh", "--to", w.tmp+"/live")
		w.ok("tuf", "stage", "targets", "--renew")
		w.ok("tuf", "sign", nextStaged, "--serial", fmt.Sprint(rehearsal.HolderSerial))
		w.env = append(w.env, "AWS_ENDPOINT_URL_S3=http://127.0.0.1:9", "AWS_REGION=eu-central-1")
	}
	publish := []string{"tuf", "publish", nextStaged, "--rehearsal", "--to", "{tmp}/live", "--to", "s3://bucket/tuf"}
	stale := []string{"this trust directory is behind: it shows version 2 of "}
	play(t, []row{
		{name: "a directory from before a renewal refreshes", do: behind, args: []string{"tuf", "refresh", "--to", "{tmp}/live"}, code: 5, words: stale, check: timestampIs("2")},
		{name: "it publishes another change", do: func(w *world) {
			behind(w)
			if err := os.RemoveAll(w.path(nextStaged)); err != nil {
				w.Fatal(err)
			}
			w.ok("tuf", "stage", "targets", "--renew")
			w.ok("tuf", "sign", nextStaged, "--serial", fmt.Sprint(rehearsal.HolderSerial))
		}, args: []string{"tuf", "publish", nextStaged, "--rehearsal", "--to", "{tmp}/live"}, code: 5, words: []string{"published with other bytes"}, check: timestampIs("2")},
		{name: "its place is named in the plan", do: func(w *world) {
			behind(w)
			w.replace("pki.yaml", "  online_key:", "  places: [{at: \""+w.tmp+"/live\", for: verifiers}]\n  online_key:")
		}, args: []string{"tuf", "refresh"}, code: 5, words: stale, check: timestampIs("2")},
		{name: "it is shown by status", do: func(w *world) {
			behind(w)
			w.replace("pki.yaml", "  online_key:", "  places: [{at: \""+w.tmp+"/live\", for: verifiers}]\n  online_key:")
		}, args: []string{"status"}, code: 0, words: []string{"ahead", "verifiers"}},
		{name: "a place that went back is not signed for", do: back, args: []string{"tuf", "refresh", "--to", "{tmp}/live"}, code: 5,
			words: []string{"version 9 was read back there before", "--restore"}},
		{name: "a place that went back is restored by name", do: back, args: []string{"tuf", "refresh", "--to", "{tmp}/live", "--restore", "{tmp}/live"}, code: 0},
		{name: "a place that is none of the plan's is left out", args: []string{"tuf", "refresh", "--without", "s3://nowhere"}, code: 2, words: []string{"no such place"}},
		{name: "a publication stops at a bucket that cannot be reached", do: unreachable, args: publish, code: 1, words: []string{"the store cannot be reached", "--without s3://bucket/tuf"}, check: timestampIs("1")},
		{name: "and leaves it out by name", do: unreachable, args: append(publish, "--without", "s3://bucket/tuf"), code: 0, check: timestampIs("2")},
		{name: "a bucket that cannot be reached", do: func(w *world) {
			w.env = append(w.env, "AWS_ENDPOINT_URL_S3=http://127.0.0.1:9", "AWS_REGION=eu-central-1")
		}, args: []string{"tuf", "refresh", "--to", "s3://bucket/tuf"}, code: 1, words: []string{"the store cannot be reached"}},
	})
}

// TestPlaces_SecondPlace lets a mirror join when tuf/ has gone on.
func TestPlaces_SecondPlace(t *testing.T) {
	mirror := func(change func(w *world, at string)) func(*world) {
		return func(w *world) {
			renewed(w)
			at := w.tmp + "/mirror"
			w.copyFolder(w.tmp+"/live", at)
			change(w, at)
		}
	}
	rewrite := func(name, text string) func(*world, string) {
		return func(w *world, at string) {
			path := filepath.Join(at, name)
			data, err := os.ReadFile(path)
			if err == nil {
				err = os.WriteFile(path, append(data, text...), 0o644)
			}
			if err != nil {
				w.Fatal(err)
			}
		}
	}
	remove := func(names ...string) func(*world, string) {
		return func(w *world, at string) {
			for _, name := range names {
				if err := os.Remove(filepath.Join(at, name)); err != nil {
					w.Fatal(err)
				}
			}
		}
	}
	refresh := []string{"tuf", "refresh", "--to", "{tmp}/mirror"}
	play(t, []row{
		{name: "empty, at the first version", args: refresh, code: 0, check: sameAs("mirror")},
		{name: "empty, when tuf has gone on", do: renewed, args: refresh, code: 0, words: []string{"2.snapshot.json"}, check: func(w *world) {
			sameAs("mirror")(w)
			sameAs("live")(w)
		}},
		{name: "other bytes of one version", do: mirror(rewrite("2.snapshot.json", "\n")), args: refresh, code: 5, words: []string{"2.snapshot.json", "hash verification failed"}},
		{name: "another repository", do: mirror(func(w *world, at string) {
			if out, err := exec.Command("sed", "-i", `s/"sig":"30/"sig":"31/`, at+"/1.root.json").CombinedOutput(); err != nil {
				w.Fatalf("%v\n%s", err, out)
			}
		}), args: refresh, code: 5, words: []string{"1.root.json"}},
		{name: "a fill that was cut", do: mirror(remove("timestamp.json", "2.timestamp.json", "2.snapshot.json")), args: refresh, code: 0, check: sameAs("mirror")},
		{name: "an object that is gone", do: mirror(remove("2.apps.json")), args: refresh, code: 5, words: []string{"2.apps.json", "move its files aside", "--restore"}},
		{name: "filled anew", do: func(w *world) {
			mirror(remove("2.apps.json"))(w)
			w.ok("tuf", "refresh", "--to", w.tmp+"/live")
			if err := os.RemoveAll(w.tmp + "/mirror"); err != nil {
				w.Fatal(err)
			}
		}, args: append(refresh, "--restore", "{tmp}/mirror"), code: 0, check: sameAs("mirror")},
	})
}
