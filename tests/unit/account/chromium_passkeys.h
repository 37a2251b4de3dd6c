#ifndef SLIPWAY_TESTS_UNIT_ACCOUNT_CHROMIUM_PASSKEYS_H
#define SLIPWAY_TESTS_UNIT_ACCOUNT_CHROMIUM_PASSKEYS_H

/*
 * Registrations and assertions of Chromium 156.0.8078.114 with its own authenticator, written by
 * tests/fuzz/record-passkeys.mjs: https://vpn.example.com, a challenge of 32 zero bytes. Base64url.
 */
struct recorded {
	const char *name, *create, *object, *get, *data, *signature;
};

static const struct recorded of_chromium[] = {
	{
		.name = "es256",
		.create = "eyJ0eXBlIjoid2ViYXV0aG4uY3JlYXRlIiwiY2hhbGxlbmdlIjoiQUFBQUFBQUFBQUFBQUFB"
			  "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQSIsIm9yaWdpbiI6Imh0dHBzOi8vdnBuLmV4"
			  "YW1wbGUuY29tIiwiY3Jvc3NPcmlnaW4iOmZhbHNlfQ",
		.object = "o2NmbXRkbm9uZWdhdHRTdG10oGhhdXRoRGF0YVikxUZN8ENmS4l3x4NWOLpZQXMOhV8AMwX0"
			  "4s5L7GBf3BpFAAAAAQECAwQFBgcIAQIDBAUGBwgAIHkqd1qXC6JIAr--0ISHn05PAVZqjm8d"
			  "9HUif69A8WvcpQECAyYgASFYIBbXEP9tQA95U_BG_ukboeBQv-yxrNRuSGT1-YpemWj6Ilgg"
			  "qQVRRSwRTId-aTZgfpIxGTq0qdIgmUE9ty8BUzkV_qI",
		.get = "eyJ0eXBlIjoid2ViYXV0aG4uZ2V0IiwiY2hhbGxlbmdlIjoiQUFBQUFBQUFBQUFBQUFBQUFB"
		       "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQSIsIm9yaWdpbiI6Imh0dHBzOi8vdnBuLmV4YW1w"
		       "bGUuY29tIiwiY3Jvc3NPcmlnaW4iOmZhbHNlfQ",
		.data = "xUZN8ENmS4l3x4NWOLpZQXMOhV8AMwX04s5L7GBf3BoFAAAAAg",
		.signature =
			"MEUCIQC3E92anTOlq6cX4VjYV2brdPzHxP7BI4l-X6rrT-okmQIgH-29gC5aTkwat56wML_F"
			"SuLoXChOiwiwIS7X3_pJhr4",
	},
	{
		.name = "eddsa",
		.create = "eyJ0eXBlIjoid2ViYXV0aG4uY3JlYXRlIiwiY2hhbGxlbmdlIjoiQUFBQUFBQUFBQUFBQUFB"
			  "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQSIsIm9yaWdpbiI6Imh0dHBzOi8vdnBuLmV4"
			  "YW1wbGUuY29tIiwiY3Jvc3NPcmlnaW4iOmZhbHNlfQ",
		.object = "o2NmbXRkbm9uZWdhdHRTdG10oGhhdXRoRGF0YViBxUZN8ENmS4l3x4NWOLpZQXMOhV8AMwX0"
			  "4s5L7GBf3BpFAAAAAQECAwQFBgcIAQIDBAUGBwgAICDrZdz62aXKd3uJtvg6bKGCaYylXVLg"
			  "xGpFb1HJFh6TpAEBAycgBiFYIKXXbe5mVnonoRDuIDHTKUJw9FCJx0P5nr-Figlb4zG8",
		.get = "eyJ0eXBlIjoid2ViYXV0aG4uZ2V0IiwiY2hhbGxlbmdlIjoiQUFBQUFBQUFBQUFBQUFBQUFB"
		       "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQSIsIm9yaWdpbiI6Imh0dHBzOi8vdnBuLmV4YW1w"
		       "bGUuY29tIiwiY3Jvc3NPcmlnaW4iOmZhbHNlfQ",
		.data = "xUZN8ENmS4l3x4NWOLpZQXMOhV8AMwX04s5L7GBf3BoFAAAAAg",
		.signature =
			"-BrmnQW0HSZBQau4WX5bvX0KoAxURjcoQ2QMJS1TiT3wYvUdKYdcdxf1-tfYVYdBRu8A4qrd"
			"Ba4TDiQt54f4BQ",
	},
	{
		.name = "rs256",
		.create = "eyJ0eXBlIjoid2ViYXV0aG4uY3JlYXRlIiwiY2hhbGxlbmdlIjoiQUFBQUFBQUFBQUFBQUFB"
			  "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQSIsIm9yaWdpbiI6Imh0dHBzOi8vdnBuLmV4"
			  "YW1wbGUuY29tIiwiY3Jvc3NPcmlnaW4iOmZhbHNlfQ",
		.object = "o2NmbXRkbm9uZWdhdHRTdG10oGhhdXRoRGF0YVkBZ8VGTfBDZkuJd8eDVji6WUFzDoVfADMF"
			  "9OLOS-xgX9waRQAAAAEBAgMEBQYHCAECAwQFBgcIACDkvyshy92oWz46wJX8Snhq9t73ENeB"
			  "VqJoR8xmeiJm4aQBAwM5AQAgWQEAtAadYd_GFHA1n3ARJS0cZYl9YFp5TPXlq8-0apYJ-uOK"
			  "hZwSWxKk1D0ok_NhByuC7Yal2k0mzUW7aheqkzbHp35hRchSih4QwVxIzIki5OcaNTE4nP2W"
			  "8kFhjPLkEo72AR9OVx1y3v2ulz95KbuvGG9zpXG76glfpHLoN-ZtEL2z_o7JUPgeRzHPSLjs"
			  "l-tM6K8kbBJs0G8pROAEH8Ih2MSdV_4x2gkuTgDeW1rGaLo59VxyK8wJ6Rg-fklEeTjmfIkl"
			  "AGzOvOs10skkuch4RDcZMHKHQM8Qxfiz6n2LhlGp-wME8OUqffJoBTWV_HohgSaggj5afeJ1"
			  "QvB-S-h-VSFDAQAB",
		.get = "eyJ0eXBlIjoid2ViYXV0aG4uZ2V0IiwiY2hhbGxlbmdlIjoiQUFBQUFBQUFBQUFBQUFBQUFB"
		       "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQSIsIm9yaWdpbiI6Imh0dHBzOi8vdnBuLmV4YW1w"
		       "bGUuY29tIiwiY3Jvc3NPcmlnaW4iOmZhbHNlLCJvdGhlcl9rZXlzX2Nhbl9iZV9hZGRlZF9o"
		       "ZXJlIjoiZG8gbm90IGNvbXBhcmUgY2xpZW50RGF0YUpTT04gYWdhaW5zdCBhIHRlbXBsYXRl"
		       "LiBTZWUgaHR0cHM6Ly9nb28uZ2wveWFiUGV4In0",
		.data = "xUZN8ENmS4l3x4NWOLpZQXMOhV8AMwX04s5L7GBf3BoFAAAAAg",
		.signature =
			"YH4jF_cZYj0hm6XfYzurkgr1a0vBWCGLVLLSZxqrunZUuWeJSshce1ipl8H07YdX9zJ88H9L"
			"ks1h-umfO30l8Q9WS0g5UqgBhoR40TpX1lMD88U8NC0FMCu9Z4EW1iIRCW4BGnegcvqfwGys"
			"4uo0vH5Uk20ZEFzrY3_IPQ4NB5tzRhf4rd2VrF3_iDHfVp10MOP0E7q_BjAEo_tefvdt18vV"
			"dK7WdPSd3Wvlyev4Rpn1gMRFBp0COPs9NQgjlICRWwrwuFrc1OtDH-lzE_NPksunWecKLOdq"
			"UiAGTeb_l4gNOiNchGqcEKexbngp-nDYdceAVBSrezjU2iyCI_7g-Q",
	},
	{
		.name = "extensions",
		.create = "eyJ0eXBlIjoid2ViYXV0aG4uY3JlYXRlIiwiY2hhbGxlbmdlIjoiQUFBQUFBQUFBQUFBQUFB"
			  "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQSIsIm9yaWdpbiI6Imh0dHBzOi8vdnBuLmV4"
			  "YW1wbGUuY29tIiwiY3Jvc3NPcmlnaW4iOmZhbHNlLCJvdGhlcl9rZXlzX2Nhbl9iZV9hZGRl"
			  "ZF9oZXJlIjoiZG8gbm90IGNvbXBhcmUgY2xpZW50RGF0YUpTT04gYWdhaW5zdCBhIHRlbXBs"
			  "YXRlLiBTZWUgaHR0cHM6Ly9nb28uZ2wveWFiUGV4In0",
		.object = "o2NmbXRkbm9uZWdhdHRTdG10oGhhdXRoRGF0YVizxUZN8ENmS4l3x4NWOLpZQXMOhV8AMwX0"
			  "4s5L7GBf3BrFAAAAAQECAwQFBgcIAQIDBAUGBwgAIEogJlJQy4WTydSoBDoENnEJUdmOQy7O"
			  "j7n_Q4TcnFp4pQECAyYgASFYILRxInsqvb-BfiqRL_HmbGV9xf0VKf9VI8ULi-eiF4wEIlgg"
			  "6YbRPH6a2wbw1eMtONzpI7A_E_bjK4hbofWpGpwhmP-hbG1pblBpbkxlbmd0aAQ",
		.get = "eyJ0eXBlIjoid2ViYXV0aG4uZ2V0IiwiY2hhbGxlbmdlIjoiQUFBQUFBQUFBQUFBQUFBQUFB"
		       "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQSIsIm9yaWdpbiI6Imh0dHBzOi8vdnBuLmV4YW1w"
		       "bGUuY29tIiwiY3Jvc3NPcmlnaW4iOmZhbHNlfQ",
		.data = "xUZN8ENmS4l3x4NWOLpZQXMOhV8AMwX04s5L7GBf3BoFAAAAAg",
		.signature =
			"MEUCIGC1NYak0mVppaXAWMiD_YKw7LB4iOay949y-2YoJxOmAiEA89U9svemApr6PlBEiq_B"
			"VqDUM2ZeQ4HgcOYRMkVGQ64",
	},
};

#endif
