//! Signatures against values that Python's `hmac` and OpenSSL agree on:
//!
//! ```text
//! openssl dgst -sha256 -mac HMAC -macopt hexkey:<key> < body
//! (printf 'evt_1.1700000000.'; cat body) |
//!   openssl dgst -sha256 -mac HMAC -macopt hexkey:<key> -binary | base64
//! ```

use common::signing::{body_signature, standard_signature};

const K16: &str = "a-secret-of-16-c";
/// One block of SHA-256: the longest key that is not hashed first.
const K64: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const K65: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef!";
/// The bytes 0 to 31. Its text keys one signature, its bytes the other.
const GEN: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const UNI: &str = "é😀-schlüssel-mit-zeichen";

const BOM: &str = "\u{feff}{\"event\":\"incident.created\"}";
const NUL: &str = "{\"a\":\"\0\"}\0";
const RAW: &str = r#"{"title":"é😀"}"#;
const ESCAPED: &str = r#"{"title":"\u00e9\ud83d\ude00"}"#;

enum Body {
    Text(&'static str),
    /// 1 MiB: the numbers 0 to 250, again and again.
    Mebibyte,
}

impl Body {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.as_bytes().to_vec(),
            Self::Mebibyte => (0..=250).cycle().take(1024 * 1024).collect(),
        }
    }
}

/// Secret, body, hex of the body's MAC, base64 of `evt_1.1700000000.body`'s.
const VECTORS: &[(&str, Body, &str, &str)] = &[
    (
        K16,
        Body::Text(""),
        "676317a95c9986dcb079ef03ae8ff7eb79c2c41105ccf38d3114adac1a6b7d29",
        "3+icjnXLSkg6SSR376+0c0gOIbM1WZEe31RT+f7TS2o=",
    ),
    (
        K16,
        Body::Text(BOM),
        "4a975a4ded39f3b8ca51fdc4ef2d34ae78bd8aa81525fab7593fdc0161102721",
        "1tsIoOSMVyQ3X/v02e6EGUZRIHslmsDu6Oea9D2bzTQ=",
    ),
    (
        K16,
        Body::Text(NUL),
        "740c930398b070d9e192b4d480797dbc6f440de0217ed268057efcdf594e39cc",
        "TVKglMZlxSXr07de3Qu7q/Lq3Zs384dx0BmPGTVxfUQ=",
    ),
    (
        K16,
        Body::Text(RAW),
        "3fc1043a74654787fe45da047f8e36ba8872170d1aacb6a54f30be53305b8156",
        "s8mzOUF6zlI2sy0Hx+S0w01doJfRTcYdKXAQUTGyF8I=",
    ),
    (
        K16,
        Body::Text(ESCAPED),
        "642adb4b20b7dd7289a9880e66eed0e110c63806acfb7c9418109a04136037cf",
        "KFtb32iAgCcu3TVEi34J9mgRkT6F3tvbJGcMgoWRG5s=",
    ),
    (
        K16,
        Body::Mebibyte,
        "3aa365b762f725a9b57e9266bff9aaaef0c9d314347cdf104a6eb3210a18baac",
        "3l8xRGHAZeV8Mh1/T/TohKK/C//JyE4JGZSob72QHkw=",
    ),
    (
        K64,
        Body::Text(""),
        "081247dc68bb7fafbf13220013a0ab71db8b628d679161f87b5e5bd9e19b1494",
        "DFxLowS2WeH4istELOjH14RjsgAH12XynuG55hkb9Yc=",
    ),
    (
        K64,
        Body::Text(BOM),
        "c732302dd6bdbd3af4a34e18d4cabb254e586fbe5a68b72522a253c3ee1f1a02",
        "75eD8yNLYi4QH1Ad/YdSsSPs9v8enslft0493i7s2xE=",
    ),
    (
        K64,
        Body::Text(NUL),
        "84978679d6d437a8d58f020cf97f5067f2cb21267b712868146e9aa36f6126ee",
        "OOGGaURGUn0yc3ODizbtzu8zErOIJIK+BJ4bGQkOMoE=",
    ),
    (
        K64,
        Body::Text(RAW),
        "535098c51ebe3295e53e1843c7b657d021ecb03bb7486e5f6a17608ba207d94a",
        "3DPaD+B3/7cD0BnEaOvzzEJN1bbhF5uWhmuR0XU3NDE=",
    ),
    (
        K64,
        Body::Text(ESCAPED),
        "2891c562be273fdb66dfa34e01ba701ad67bfc0372e517e6b29717747b9b4d2a",
        "+6mUnsrL/xBdJoj/VrmEeb3iFqOD1PW1HP1kCmX0tw4=",
    ),
    (
        K64,
        Body::Mebibyte,
        "49dc04dbc67c40e9f49019a17f1d608cfccd594eafa098ec340856702d691cac",
        "D6rF0kEG43ZPwYhD+QhEYRCZyH13bFXdMhNsLN5f72E=",
    ),
    (
        K65,
        Body::Text(""),
        "a10f0a22d24f0a641e0d90cfe36db0f28d175cccc19a8fe3eab5d2c45313e7fd",
        "rAA/lJYWRLP2iLikKvau1QLNeehRqMbrhj86RZnDX1Q=",
    ),
    (
        K65,
        Body::Text(BOM),
        "580dd2c5d09fb6aae04600f729131dd735ebdeec3e58a7697dc7a4beb6d5597a",
        "Ze8EQ4SkU9RzuNv1lc3i1jk8AWe4eFIWt2LC9AHUlok=",
    ),
    (
        K65,
        Body::Text(NUL),
        "4b3b8e9473167907327bb8ebd5e980d406becf56dbd63a7ef0204adf007f54a7",
        "l/tM1QQWzOH97qRRRzRBlpiHQbW42ek7Zt2QGBJ2358=",
    ),
    (
        K65,
        Body::Text(RAW),
        "cbceb5f100d930ec2129b44538f1223feea8a08734f83791e7627e7aa8916991",
        "x+PC0EWUjLYeZQWAAoA5rMsK1v9pb3E7Gwn6f9jDeGM=",
    ),
    (
        K65,
        Body::Text(ESCAPED),
        "c85e3ddb07a5b6110c2623f5572acebfac729e0cf6391ea3fdab8315fd114508",
        "A2uO4ZVbxC7EgX2VJVKI/AXiOENYalpY/13iRgDsU50=",
    ),
    (
        K65,
        Body::Mebibyte,
        "647acdb2cd730f4e4222303429a3636b8e3052716e01cb8915f6dbf732ce0da7",
        "quXf6yChc1DCBbN8G6w1GNfXtY6eqxGD8U8zoHxmCfA=",
    ),
    (
        GEN,
        Body::Text(""),
        "3869a63cbe73c747431cf9ff4d38cbaa6ad6adb0541c4753e1c90f7b6920620f",
        "AvGPqE0CTogrWUUfPBN4L+nlNzDkwfIG5llUmNsvsXc=",
    ),
    (
        GEN,
        Body::Text(BOM),
        "c65e429ac5149ea0d5872334aec92fbf771bf78fd47445474004e7ffab6004e0",
        "QoZ15GcDkGGF/1YzAJpoGj6ZK1MZ3AFMHMl4/PyoZ/A=",
    ),
    (
        GEN,
        Body::Text(NUL),
        "04ce2fe2245d662ecf5dd36b5809eec7f7b644c3a7edf003ea772f443c1778f9",
        "pK5VttGXUIWHz/9DR0j8GZMK/qQeifJElAM+IvNV5h4=",
    ),
    (
        GEN,
        Body::Text(RAW),
        "7b6e9fa9aa11ef4515f575e2a671ae09c056a50207eb8c36c7dd6d39e0535cc7",
        "oUezIBSuWWKAnEs5IPslOJsKjYblIY5XN/kUC+SoaZI=",
    ),
    (
        GEN,
        Body::Text(ESCAPED),
        "57a954353ce6afcafb77df0c2d2ecb4b3679b5cc763e83ecaae223b256771a5b",
        "+sivhlhUOwQgmN/FlRk1a1ZbIgNxuqqYCjtIzD2uDpQ=",
    ),
    (
        GEN,
        Body::Mebibyte,
        "60ca33827cb34855ad6075555db9801f05163cbd5afff9411979ec1c2630dc61",
        "Xx2XLlmGZfFDMHWbAywWphaORDA6OC84eyfJxDarmiw=",
    ),
    (
        UNI,
        Body::Text(""),
        "24865d1c628abac971430fa3d1c50f342107b565030375b87665ea028707bb0d",
        "woQoKbF29srRSVnX+WaHCqfYQas0LEye5FIbEvIkGkE=",
    ),
    (
        UNI,
        Body::Text(BOM),
        "ad85e16458dc896bb2ec09955297cf8d59a137b04491d3baf5d432e24728499a",
        "0KhiIWo2Fol3Vsj2dde9BxRN6h7Uc9+t7XZxB1NS7ww=",
    ),
    (
        UNI,
        Body::Text(NUL),
        "f9affa55e0c09ce38c684027b06c088aa2c7e2736204cbfd9ee2a6b6b6ef4226",
        "7YnP1+OxruLgbr9K9WBRO4CKJZ8lL/Cu2lTkUymei6I=",
    ),
    (
        UNI,
        Body::Text(RAW),
        "e12e1ad4f50db7a85c453bdfbd097f038d770cd35fb255cebc56adb5e72f0259",
        "9QqvK3OYoXiZFz4mWVCWCrmPXRck7IOoVszDNhHIrwE=",
    ),
    (
        UNI,
        Body::Text(ESCAPED),
        "f92c502d9fb1733967bf2ac4f6869105a6f84b247152dd94fcf7309d409715f7",
        "ULuGALd7q4NL5dJ63tXOrKwCYVsScZAzMKX+l2acZlg=",
    ),
    (
        UNI,
        Body::Mebibyte,
        "9593d74e6b38557601a161d06ff587886abebe08da20105f8a87e2fa26b97847",
        "9AFx6icdglWQPIDWfa7T/sWf4fBJll4w3U91lAJhdik=",
    ),
];

#[test]
fn signatures_are_those_of_other_implementations() {
    for (index, (secret, body, hex, base64)) in VECTORS.iter().enumerate() {
        let body = body.bytes();
        assert_eq!(
            body_signature(secret, &body),
            format!("sha256={hex}"),
            "row {index}"
        );
        assert_eq!(
            standard_signature([*secret], "evt_1", 1_700_000_000, &body),
            format!("v1,{base64}"),
            "row {index}"
        );
    }
}

#[test]
fn the_published_standard_webhooks_vector() {
    let signature = standard_signature(
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1_614_265_330,
        br#"{"test": 2432232314}"#,
    );
    assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

#[test]
fn a_prefix_without_base64_is_part_of_the_text() {
    for secret in ["whsec_not base64!", "whsec_YWJj=", "WHSEC_YWJj"] {
        let text = standard_signature([secret], "evt_1", 1, b"{}");
        let mac = common::crypto::hmac_sha256(secret.as_bytes(), b"evt_1.1.{}");
        use base64::Engine as _;
        let expected = base64::engine::general_purpose::STANDARD.encode(mac);
        assert_eq!(text, format!("v1,{expected}"), "{secret}");
    }
}
