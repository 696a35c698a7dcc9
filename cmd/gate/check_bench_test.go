package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// bucketWithPolicy are ten resources of a preview, one of which carries a policy: a bucket, what belongs to it, and four that no rule
// looks at. %[1]s is the bucket, %[2]s a folder of it.
var bucketWithPolicy = func() string {
	resources := []string{
		previewStep("aws:s3/bucketV2:BucketV2", "", `"bucket":"%[1]s"`),
		previewStep("aws:s3/bucketPolicy:BucketPolicy", "", `"bucket":"%[1]s","policy":`+strconv.Quote(bucketPolicyText)),
		previewStep("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "",
			`"bucket":"%[1]s","blockPublicAcls":true,"blockPublicPolicy":true,"ignorePublicAcls":true,"restrictPublicBuckets":true`),
		previewStep("aws:s3/bucketOwnershipControls:BucketOwnershipControls", "", `"bucket":"%[1]s","rule":{"objectOwnership":"BucketOwnerEnforced"}`),
		previewStep("aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2", "", `"bucket":"%[1]s","rules":[]`),
		previewStep("aws:s3/bucketVersioningV2:BucketVersioningV2", "", `"bucket":"%[1]s","versioningConfiguration":{"status":"Enabled"}`),
	}
	for _, name := range []string{"-a", "-b", "-c", "-d"} {
		resources = append(resources, previewStep("aws:route53/record:Record", name, `"name":"%[1]s","type":"TXT","value":"`+strings.Repeat("v", 200)+`"`))
	}
	return strings.Join(resources, ",")
}()

const bucketPolicyText = `{"Version":"2012-10-17","Statement":[` +
	`{"Sid":"Use","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:role/R"},"Action":["s3:DeleteObject","s3:GetObject","s3:PutObject"],` +
	`"Resource":"arn:aws:s3:::%[1]s/%[2]s*"},` +
	`{"Sid":"List","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:role/R"},"Action":"s3:ListBucket","Resource":"arn:aws:s3:::%[1]s"},` +
	`{"Sid":"DenyPlainHTTP","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::%[1]s","arn:aws:s3:::%[1]s/*"],` +
	`"Condition":{"Bool":{"aws:SecureTransport":"false"}}},` +
	`{"Sid":"DenyOldTLS","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::%[1]s","arn:aws:s3:::%[1]s/*"],` +
	`"Condition":{"NumericLessThan":{"s3:TlsVersion":"1.2"}}}]}`

func previewStep(kind, suffix, inputs string) string {
	urn := "urn:pulumi:large::project::" + kind + "::%[1]s" + suffix
	return `{"op":"create","urn":"` + urn + `","newState":{"urn":"` + urn + `","type":"` + kind + `","custom":true,` +
		`"inputs":{` + inputs + `},"outputs":{` + inputs + `}}}`
}

// writePreview writes a preview of as many resources, of which one in ten carries a policy. Unlike policies differ in more than the name
// of their bucket.
func writePreview(b *testing.B, path string, resources int, unlike bool) {
	b.Helper()
	file, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	out := bufio.NewWriterSize(file, 1<<20)
	fmt.Fprint(out, `{"config":{"aws:allowedAccountIds":"[\"987654321098\"]"},"steps":[`)
	for i := range resources / 10 {
		if i > 0 {
			fmt.Fprint(out, ",")
		}
		folder := ""
		if unlike {
			folder = fmt.Sprintf("folder-%06d/", i)
		}
		fmt.Fprintf(out, bucketWithPolicy, fmt.Sprintf("bucket-%06d", i), folder)
	}
	fmt.Fprintf(out, `],"changeSummary":{"create":%d}}`, resources)
	if err := out.Flush(); err != nil {
		b.Fatal(err)
	}
	if err := file.Close(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkCheckLarge judges previews of growing size, by the command as people run it, and one by conftest with the same rules.
func BenchmarkCheckLarge(b *testing.B) {
	directory := b.TempDir()
	program := filepath.Join(directory, "gate")
	if out, err := exec.CommandContext(b.Context(), "go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	conftest, err := exec.CommandContext(b.Context(), "go", "tool", "-n", "-modfile=../../tools/conftest/go.mod", "conftest").Output()
	if err != nil {
		b.Fatal(err)
	}
	preview := filepath.Join(directory, "preview.json")
	for _, run := range []struct {
		name      string
		resources int
		unlike    bool
		command   []string
	}{
		{"alike/10000", 10_000, false, []string{program, "check", preview}},
		{"alike/30000", 30_000, false, []string{program, "check", preview}},
		{"alike/100000", 100_000, false, []string{program, "check", preview}},
		{"unlike/10000", 10_000, true, []string{program, "check", preview}},
		{"unlike/30000", 30_000, true, []string{program, "check", preview}},
		{"unlike/100000", 100_000, true, []string{program, "check", preview}},
		{"unlike/10000/conftest", 10_000, true, []string{
			strings.TrimSpace(string(conftest)), "test", "--namespace", "policies", "--policy", "../../policies.rego", "--policy", "../../policy",
			"--data", "../../policy", preview,
		}},
	} {
		b.Run(run.name, func(b *testing.B) {
			writePreview(b, preview, run.resources, run.unlike)
			peak := int64(0)
			for b.Loop() {
				command := exec.CommandContext(b.Context(), run.command[0], run.command[1:]...)
				if out, err := command.CombinedOutput(); err != nil {
					b.Fatalf("%v\n%s", err, out)
				}
				if usage, ok := command.ProcessState.SysUsage().(*syscall.Rusage); ok {
					peak = max(peak, usage.Maxrss>>10)
				}
			}
			b.ReportMetric(float64(peak), "MiB-peak")
		})
	}
}
