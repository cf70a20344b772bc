// Package local is a stand-in for AWS KMS, for rehearsals and tests.
//
// It is an HTTP server that speaks the KMS JSON protocol 1.1 and STS's query
// protocol (GetCallerIdentity, AssumeRole), so the real SDK talks to it. Keys
// are real, made by crypto/ecdsa and crypto/ed25519; key policies, grants and
// the callers' IAM policies are enforced for the principals it was told of.
//
// It is not a KMS: private keys lie in memory and, where a state file is asked
// for, in that file; a caller is whoever its access key ID says, since request
// signatures are not checked. It therefore listens on loopback only, says what
// it is when it starts, and ships no secret: the credentials it publishes are
// constants.
//
// It may import kms/internal and the leaf packages under internal, and never
// the AWS SDK: it must not share a mistake with the client it is there to try.
package local
