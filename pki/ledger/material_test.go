package ledger

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func material(item, what, bag string, at time.Time) Entry {
	return Entry{Material: &Material{Item: item, What: what, Bag: bag, By: []string{"Ada", "Ben"}, Where: "safe 1", At: at}}
}

func inspected(item string, at time.Time) Entry {
	e := material(item, MaterialInspected, "", at)
	e.Material.Key, e.Material.PINTries, e.Material.PUKTries = digestOf("key"), 5, 5
	f := file("inspections/1.json")
	e.Material.Statement = &f
	return e
}

func TestMaterial_ALife(t *testing.T) {
	path := newLedger(t,
		material("token 1", MaterialReceived, "", after(1)),
		material("token 1", MaterialSealed, "A1", after(2)),
		material("PIN", MaterialReceived, "", after(2)),
		material("PIN", MaterialSealed, "A1", after(2)), // beside it, in the same bag
		material("token 1", MaterialMoved, "A1", after(3)),
		material("token 1", MaterialOpened, "A1", after(4)),
		inspected("token 1", after(4)),
		material("token 1", MaterialSealed, "A2", after(4)),
		material("token 1", MaterialOpened, "A2", after(9)),
		material("token 1", MaterialDestroyed, "", after(9)),
	)
	life := mustRead(t, path).State().Material["token 1"]
	if len(life) != 8 || life[4].String() != "token 1 inspected, by Ada and Ben, safe 1" || Bag(life) != "" {
		t.Errorf("%d events, %v", len(life), life)
	}
}

func TestMaterial_WhatDoesNotFitIsSaid(t *testing.T) {
	begun := []Entry{material("token 1", MaterialReceived, "", after(1)), material("token 1", MaterialSealed, "A1", after(2))}
	open := append(begun[:2:2], material("token 1", MaterialOpened, "A1", after(3)))
	gone := append(open[:3:3], material("token 1", MaterialDestroyed, "", after(4)))
	alone := material("token 1", MaterialOpened, "A1", after(3))
	alone.Material.By = []string{"Ada", "Ada"}
	moved := material("token 1", MaterialMoved, "", after(3))
	moved.Material.Key = digestOf("key")
	bare := inspected("token 1", after(5))
	bare.Material.Statement = nil
	for want, c := range map[string]struct {
		before []Entry
		then   Entry
	}{
		"was never received":               {nil, material("token 1", MaterialSealed, "A1", after(1))},
		"was received before":              {begun, material("token 1", MaterialReceived, "", after(3))},
		"which was never opened":           {begun, material("token 1", MaterialSealed, "A2", after(3))},
		`this is bag "A9"`:                 {begun, material("token 1", MaterialOpened, "A9", after(3))},
		"it was never closed":              {open, material("token 1", MaterialOpened, "A1", after(3))},
		"bag A1 was used before":           {open, material("token 1", MaterialSealed, "A1", after(3))},
		"bag is missing":                   {open, material("token 1", MaterialSealed, "", after(3))},
		"first that it was opened":         {begun, inspected("token 1", after(3))},
		"statement is missing":             {open, bare},
		"was destroyed on":                 {gone, material("token 1", MaterialSealed, "A2", after(5))},
		"handled by two":                   {begun, alone},
		"is before":                        {begun, material("token 1", MaterialOpened, "A1", after(1))},
		"are of an inspection":             {begun, moved},
		`what is "lost"`:                   {begun, material("token 1", "lost", "", after(3))},
		"lies ahead":                       {begun, material("token 1", MaterialMoved, "A1", after(5000))},
		`is in bag "A1", and this says A2`: {begun, material("token 1", MaterialMoved, "A2", after(3))},
	} {
		path := newLedger(t, c.before...)
		before := bytesOf(t, path)
		if _, err := Append(path, "", after(1000), c.then); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
		if got, err := os.ReadFile(filepath.Clean(path)); err != nil || !bytes.Equal(got, before) {
			t.Errorf("%s: the ledger changed: %v", want, err)
		}
	}
}
