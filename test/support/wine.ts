// Whether the tests run under Wine (whoever starts them says so): what it does otherwise than Windows is not ours to mend.

export const isWine = process.env.VNET_TEST_WINE === "1";
