package trustedroot

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestShow_Golden(t *testing.T) {
	view, err := Show(newWorld(t, 2).build(t), after)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "show.golden.txt", []byte(view.Text(100)))
	golden(t, "show.golden.svg", view.SVG())
}

func TestShow_Current(t *testing.T) {
	data := newWorld(t, 2).build(t)
	for at, want := range map[time.Time][]bool{
		dayOne.Add(-time.Second):  {false, false},
		dayOne:                    {true, false},
		dayTwo:                    {true, true},
		switched:                  {true, true}, // both ends are inclusive
		switched.Add(time.Second): {false, true},
		dayTwo.AddDate(4, 0, 0):   {false, false},
	} {
		view, err := Show(data, at)
		if err != nil {
			t.Fatal(err)
		}
		for i, e := range view.Roles[1].Entries {
			if e.Current != want[i] {
				t.Errorf("CA %d at %s: current is %v", i, stamp(at), e.Current)
			}
		}
	}
}

// Rekor has switched and closed before the TSA has opened its new generation.
func TestShow_GenerationsMix(t *testing.T) {
	w := newWorld(t, 2)
	w.state.Authorities["tsa"][1].Start = switched.AddDate(0, 1, 0)
	late := switched.AddDate(0, 2, 0)
	w.state.Authorities["tsa"][0].End = &late
	view, err := Show(w.build(t), after)
	if err != nil {
		t.Fatal(err)
	}
	if len(view.Overlaps) != 4 {
		t.Errorf("overlaps are %v, want one for each service", view.Overlaps)
	}
	if len(view.Mixes) != 3 || !strings.Contains(view.Mixes[0].Text, "rekor.example.org accepts its new generation only, https://tsa.example.org/api/v1/timestamp its old one only") {
		t.Errorf("mixes are %v", view.Mixes)
	}
}

// A renewal of one service later on is another one: the days between are no mix.
func TestShow_LaterRenewalIsNoMix(t *testing.T) {
	w := newWorld(t, 2)
	w.state.Authorities["tsa"][1].Start = switched.AddDate(0, 1, 0)
	late := switched.AddDate(0, 2, 0)
	w.state.Authorities["tsa"][0].End = &late
	var doc object
	if err := json.Unmarshal(w.build(t), &doc); err != nil {
		t.Fatal(err)
	}
	before, err := Show(w.build(t), after)
	if err != nil {
		t.Fatal(err)
	}
	third := object{}
	for k, v := range doc.at("timestampAuthorities", 1) {
		third[k] = v
	}
	third["validFor"] = object{"start": stamp(switched.AddDate(0, 6, 0))}
	doc["timestampAuthorities"] = append(doc["timestampAuthorities"].([]any), map[string]any(third))
	data, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	view, err := Show(data, after)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(view.Mixes, before.Mixes) {
		t.Errorf("mixes were %v and are %v", before.Mixes, view.Mixes)
	}
}

// Names in a file cannot steer the terminal or leave the image's text.
func TestShow_HostileNames(t *testing.T) {
	var doc object
	if err := json.Unmarshal(newWorld(t, 1).build(t), &doc); err != nil {
		t.Fatal(err)
	}
	doc.at("tlogs", 0)["baseUrl"] = "https://a.example.org/\x1b[2J</text><script>alert(1)</script>"
	data, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	view, err := Show(data, before)
	if err != nil {
		t.Fatal(err)
	}
	if strings.ContainsRune(view.Text(100), 0x1b) {
		t.Error("the text holds an escape")
	}
	svg := view.SVG()
	if bytes.Contains(svg, []byte("<script")) {
		t.Error("the image holds a script")
	}
	dec := xml.NewDecoder(bytes.NewReader(svg))
	for {
		if _, err := dec.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("the image is not XML: %v", err)
		}
	}
}

func TestShow_NarrowTerminal(t *testing.T) {
	view, err := Show(newWorld(t, 1).build(t), before)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(strings.SplitN(view.Text(10), "\n\n$", 2)[0]) {
		if n := len([]rune(line)); n > 61 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}
