// Package kms asks AWS KMS: for public keys and their metadata, for
// signatures, for new keys and their policies.
//
// It is the only place of the AWS SDK. Keys are named by ARN, since an alias
// can be repointed; they may lie in another account. It hands out a
// crypto.Signer for a key whose public half it has read, and every signature is
// verified under that key before it is returned. It never holds a private key,
// and it logs no credential.
//
// It refuses keys that cannot serve: another curve than the role asks for,
// material imported from outside, multi-region copies, keys that are disabled
// or about to be deleted.
//
// It may import pki, pki/checkpoint, pki/plan, templates, kms/internal and the leaf packages
// under internal. Nothing under pki imports it.
package kms
