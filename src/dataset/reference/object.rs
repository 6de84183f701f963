//! Objects of S3 and Google Cloud Storage. Credentials and endpoints come from the variables that their own tools read
//! (`AWS_*`, `GOOGLE_*`).

use std::time::Duration;

use futures_util::StreamExt;
use object_store::aws::AmazonS3Builder;
use object_store::client::{ClientConfigKey, ClientOptions, HttpClient, HttpConnector};
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, RetryConfig};

use super::uri::ObjectService;
use super::{Pieces, Refusal, Uri};

const CONNECT_PATIENCE: Duration = Duration::from_secs(5);

/// Begins to read an object.
pub(super) async fn open(uri: &Uri) -> Result<(u64, Pieces), Refusal> {
    let Uri::Object { service, bucket, segments, .. } = uri else {
        return Err(Refusal::NotAllowed("not an object".into()));
    };
    let failed = |error: object_store::Error| Refusal::Failed(error.to_string());
    let key =
        String::from_utf8(segments.join(&b'/')).map_err(|_| Refusal::NotAllowed("a key is UTF-8".into()))?;
    let key = Path::parse(key).map_err(|error| Refusal::NotAllowed(error.to_string()))?;
    let retry = RetryConfig { max_retries: 2, ..RetryConfig::default() };
    let store: Box<dyn ObjectStore> = match service {
        ObjectService::S3 => {
            let builder = AmazonS3Builder::from_env().with_bucket_name(bucket);
            Box::new(builder.with_retry(retry).with_http_connector(NoRedirects).build().map_err(failed)?)
        }
        ObjectService::Gcs => {
            let builder = GoogleCloudStorageBuilder::from_env().with_bucket_name(bucket);
            Box::new(builder.with_retry(retry).with_http_connector(NoRedirects).build().map_err(failed)?)
        }
    };
    let got = store.get(&key).await.map_err(failed)?;
    let bytes = got.meta.size;
    let pieces = got.into_stream().map(|piece| piece.map_err(|error| error.to_string()));
    Ok((bytes, Box::pin(pieces)))
}

/// Clients that stay where they were sent: a redirect would lead out of the prefix.
#[derive(Debug)]
struct NoRedirects;

impl HttpConnector for NoRedirects {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let plain = options.get_config_value(&ClientConfigKey::AllowHttp);
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .https_only(plain.is_none_or(|allowed| allowed != "true"))
            .connect_timeout(CONNECT_PATIENCE)
            .build();
        let client = client.map_err(|error| object_store::Error::Generic {
            store: "HTTP client",
            source: Box::new(error),
        })?;
        Ok(HttpClient::new(client))
    }
}
