package strict

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// Place is where something stands in a file: both count from 1, columns in bytes.
type Place struct{ Line, Column int }

// Node is one value of a JSON document.
type Node struct {
	Place
	Path   string
	Raw    string  // as it is written; {} for an object and [] for a list
	Fields []Field // of an object, repeated ones too
	Items  []*Node // of a list
}

// Field is one field of an object; its place is that of the name.
type Field struct {
	Place
	Name  string
	Value *Node
}

// Tree parses the one JSON value in data, of at most so many levels. Paths begin
// with root. The error is a Problem, beside what was read before it.
func Tree(data []byte, root string, levels int) (*Node, error) {
	r := &reader{data: data, dec: json.NewDecoder(bytes.NewReader(data)), levels: levels, at: Place{Line: 1}}
	r.dec.UseNumber()
	n, err := r.value(root, 0)
	if err == nil {
		if _, end := r.next(); !errors.Is(end, io.EOF) {
			err = errors.New("there is something after the value")
		}
	} else if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("the value ends too early")
	}
	if err != nil {
		return n, Problems{{Line: r.at.Line, Column: r.at.Column, Reason: err.Error()}}
	}
	return n, nil
}

type reader struct {
	data   []byte
	dec    *json.Decoder
	levels int
	start  int64 // first byte of the token read last
	at     Place // of that byte
	line   int64 // first byte of its line
}

// next reads a token and notes where it begins. It counts lines on from the last
// one: a document is read in linear time.
func (r *reader) next() (json.Token, error) {
	before := r.start
	r.start = r.dec.InputOffset()
	for r.start < int64(len(r.data)) && bytes.IndexByte([]byte(" \t\r\n,:"), r.data[r.start]) >= 0 {
		r.start++
	}
	if n := bytes.Count(r.data[before:r.start], []byte("\n")); n > 0 {
		r.at.Line += n
		r.line = before + int64(bytes.LastIndexByte(r.data[before:r.start], '\n')) + 1
	}
	r.at.Column = int(r.start-r.line) + 1
	return r.dec.Token()
}

func (r *reader) value(path string, depth int) (*Node, error) {
	token, err := r.next()
	if err == nil && depth > r.levels {
		err = fmt.Errorf("more than %d levels deep", r.levels)
	}
	if err != nil {
		return nil, err
	}
	n := &Node{Place: r.at, Path: path}
	switch token {
	case json.Delim('{'):
		n.Raw = "{}"
		return n, r.object(n, depth)
	case json.Delim('['):
		n.Raw = "[]"
		return n, r.list(n, depth)
	}
	n.Raw = string(r.data[r.start:r.dec.InputOffset()])
	return n, nil
}

func (r *reader) object(n *Node, depth int) error {
	for r.dec.More() {
		token, err := r.next()
		if err != nil {
			return err
		}
		f := Field{Place: r.at, Name: token.(string)} // the decoder admits no other key
		if f.Value, err = r.value(Join(n.Path, f.Name), depth+1); f.Value != nil {
			n.Fields = append(n.Fields, f)
		}
		if err != nil {
			return err
		}
	}
	_, err := r.next()
	return err
}

func (r *reader) list(n *Node, depth int) error {
	for r.dec.More() {
		item, err := r.value(n.Path+"["+strconv.Itoa(len(n.Items))+"]", depth+1)
		if item != nil {
			n.Items = append(n.Items, item)
		}
		if err != nil {
			return err
		}
	}
	_, err := r.next()
	return err
}
