package main

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
)

// sample is a record as S3 makes them, with as much that nobody reads: 1.8 KB.
const sample = `{"eventVersion":"1.11","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLEEXAMPLE%02[1]d:CrossAccountS3Access",` +
	`"arn":"arn:aws:sts::123456789012:assumed-role/%[2]s/CrossAccountS3Access","accountId":"123456789012","accessKeyId":"ASIAEXAMPLEEXAMPLE00",` +
	`"sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROAEXAMPLEEXAMPLE%02[1]d","arn":"arn:aws:iam::123456789012:role/%[2]s",` +
	`"accountId":"123456789012","userName":"%[2]s"},"attributes":{"creationDate":"2026-08-01T00:00:00Z","mfaAuthenticated":"false"}}},` +
	`"eventTime":"2026-08-%02[3]dT%02[4]d:%02[5]d:00Z","eventSource":"s3.amazonaws.com","eventName":"%[6]s","awsRegion":"us-east-1",` +
	`"sourceIPAddress":"203.0.113.%[1]d","userAgent":"[aws-sdk-go-v2/1.43.8 ua/2.1 os/linux lang/go#1.26 md/GOOS#linux md/GOARCH#arm64 api/s3#1.107.3]",` +
	`%[7]s"requestParameters":{"bucketName":"my-cross-account-bucket","Host":"my-cross-account-bucket.s3.us-east-1.amazonaws.com",` +
	`"key":"%[8]s","x-id":"%[6]s"},"responseElements":null,"additionalEventData":{"SignatureVersion":"SigV4","CipherSuite":"TLS_AES_128_GCM_SHA256",` +
	`"bytesTransferredIn":0,"AuthenticationMethod":"AuthHeader","x-amz-id-2":"Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4%08[9]d","bytesTransferredOut":1024},` +
	`"requestID":"0123456789%06[9]d","eventID":"11111111-2222-3333-4444-5555%08[9]d","readOnly":%[10]t,` +
	`"resources":[{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::my-cross-account-bucket/%[8]s"},` +
	`{"accountId":"987654321098","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::my-cross-account-bucket"}],"eventType":"AwsApiCall",` +
	`"managementEvent":false,"recipientAccountId":"987654321098","sharedEventID":"66666666-7777-8888-9999-0000%08[9]d","eventCategory":"Data",` +
	`"tlsDetails":{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"my-cross-account-bucket.s3.us-east-1.amazonaws.com"}}`

// writeRecords writes a log of as many records, every twentieth of them of a denied access, and no two alike.
func writeRecords(path string, first, count int) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	zip, err := gzip.NewWriterLevel(file, gzip.BestSpeed)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(zip, 1<<20)
	fmt.Fprint(out, `{"Records":[`)
	for i := first; i < first+count; i++ {
		if i > first {
			fmt.Fprint(out, ",")
		}
		role, name, failed := "CrossAccountS3Role", "GetObject", ""
		if i%7 == 0 {
			name = "PutObject"
		}
		if i%20 == 0 {
			failed = `"errorCode":"AccessDenied","errorMessage":"Access Denied",`
		}
		if i%3 == 0 {
			role = "Other" + strconv.Itoa(i%50)
		}
		key := fmt.Sprintf("in/customer-%d/part-%08d.json", i%1000, i)
		fmt.Fprintf(out, sample, i%100, role, 1+i%28, i%24, i%60, name, failed, key, i, name == "GetObject")
	}
	fmt.Fprint(out, "]}")
	if err := out.Flush(); err != nil {
		return err
	}
	if err := zip.Close(); err != nil {
		return err
	}
	return file.Close()
}

// BenchmarkAudit audits the project's two stacks with 1,000,000 records in 40 compressed files, by the command as people run it.
func BenchmarkAudit(b *testing.B) {
	const files, each = 40, 25_000
	directory := b.TempDir()
	program := filepath.Join(directory, "gate")
	if out, err := exec.CommandContext(b.Context(), "go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	logs := filepath.Join(directory, "logs")
	if err := os.Mkdir(logs, 0o750); err != nil {
		b.Fatal(err)
	}
	for i := range files {
		if err := writeRecords(filepath.Join(logs, fmt.Sprintf("%02d.json.gz", i)), i*each, each); err != nil {
			b.Fatal(err)
		}
	}
	peak := int64(0)
	for b.Loop() {
		command := exec.CommandContext(b.Context(), program, "audit", "--trail", logs,
			filepath.Join(examples, "account-a.json"), filepath.Join(examples, "account-b.json"))
		out, err := command.CombinedOutput()
		if err != nil && command.ProcessState.ExitCode() != exitDenied && command.ProcessState.ExitCode() != exitFailed {
			b.Fatalf("%v\n%s", err, out)
		}
		if usage, ok := command.ProcessState.SysUsage().(*syscall.Rusage); ok {
			peak = max(peak, usage.Maxrss>>10)
		}
	}
	b.ReportMetric(float64(b.N)*files*each/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(float64(peak), "MiB-peak")
}

// examples are the records and stacks of docs/audit.md.
const examples = "../../examples/trail"
