// Package iampolicy reads AWS policy documents and matches their statements.
//
// It knows the grammar of key policies and identity policies (IAM User Guide,
// "Grammar of the IAM JSON policy language") and the few condition operators
// that key policies of signing keys use. It decides nothing: the stand-in
// evaluates with it, and package kms reads live policies with it. It refuses
// documents over 32 KiB and fields that the grammar does not have. It imports
// nothing of the project.
package iampolicy
