package trail

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"testing"
)

const record = `{"eventVersion":"1.09","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLEEXAMPLE1:CrossAccountS3Access","arn":"arn:aws:sts::123456789012:assumed-role/CrossAccountS3Role/CrossAccountS3Access","accountId":"123456789012","accessKeyId":"ASIAEXAMPLE","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROAEXAMPLEEXAMPLE1","arn":"arn:aws:iam::123456789012:role/CrossAccountS3Role","accountId":"123456789012","userName":"CrossAccountS3Role"},"attributes":{"creationDate":"2026-08-01T00:00:00Z","mfaAuthenticated":"false"}}},"eventTime":"2026-08-01T00:00:01Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"us-east-1","sourceIPAddress":"203.0.113.7","userAgent":"[aws-sdk-go-v2/1.43.8 os/linux lang/go#1.26 md/GOOS#linux md/GOARCH#arm64 api/s3#1.107.3]","requestParameters":{"bucketName":"my-cross-account-bucket","Host":"my-cross-account-bucket.s3.us-east-1.amazonaws.com","key":"in/2026/08/01/part-%05d.json","x-id":"GetObject"},"responseElements":null,"additionalEventData":{"SignatureVersion":"SigV4","CipherSuite":"TLS_AES_128_GCM_SHA256","bytesTransferredIn":0,"AuthenticationMethod":"AuthHeader","x-amz-id-2":"0123456789abcdef0123456789abcdef0123456789abcdef","bytesTransferredOut":1024},"requestID":"0123456789ABCDEF","eventID":"11111111-2222-3333-4444-555555555555","readOnly":true,"resources":[{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::my-cross-account-bucket/in/2026/08/01/part-00001.json"},{"accountId":"987654321098","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::my-cross-account-bucket"}],"eventType":"AwsApiCall","managementEvent":false,"recipientAccountId":"987654321098","sharedEventID":"66666666-2222-3333-4444-555555555555","eventCategory":"Data","tlsDetails":{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"my-cross-account-bucket.s3.us-east-1.amazonaws.com"}}`

func BenchmarkRead(b *testing.B) {
	all := []byte(`{"Records":[`)
	for i := range 10000 {
		if i > 0 {
			all = append(all, ',')
		}
		all = fmt.Appendf(all, record, i)
	}
	all = append(all, "]}"...)
	b.SetBytes(int64(len(all)))
	b.ReportAllocs()
	for b.Loop() {
		r := Reader{Stdin: bytes.NewReader(all)}
		takers := make([]func(*Record), runtime.GOMAXPROCS(0))
		for i := range takers {
			takers[i] = func(*Record) {}
		}
		if err := r.Read(context.Background(), []string{"-"}, takers...); err != nil {
			b.Fatal(err)
		}
		if r.Summary().Records != 10000 {
			b.Fatal(r.Summary())
		}
	}
	b.ReportMetric(float64(b.N)*10000/b.Elapsed().Seconds(), "records/s")
}
